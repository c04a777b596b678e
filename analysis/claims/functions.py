"""The functions that a claim may call: arithmetic on lists, and an allow-list of the statistics.

Statistics are looked up by name when they are called, so that reading a claims file stays cheap.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.claims.errors import ExpressionError, ImpossibleError, NoEvidenceError
from analysis.claims.grim import whole, whole_change
from analysis.claims.printed import Figure, parse_figure

# Pure functions of counts and numbers, that need no random numbers.
STATISTICS = (
    "adjust",
    "cochrans_q",
    "compare_to_controls",
    "confidence_sequence",
    "controls_power",
    "e_value",
    "equivalence",
    "mcnemar",
    "mcnemar_power",
    "minimum_detectable_effect",
    "missing_bounds",
    "non_inferiority",
    "paired_difference",
    "sign_test",
    "stratified_difference",
    "stratum_homogeneity",
    "wilson",
)


@dataclass(frozen=True)
class Tested:
    """A textbook test that only claims need, because papers print it.

    Attributes:
        p: p-value.
        statistic: the test statistic.
    """

    p: float
    statistic: float


def one_sample_t(values: Sequence[float], mean: float, *, tail: str = "two-sided") -> Tested:
    """Student's t of a sample against a fixed mean.

    It asks whether the mean of the sample is `mean`. For one direction against a few random ones
    that is the wrong question (`compare_to_controls` asks the right one); it is here because
    papers use it.

    References:
        Student (1908), The probable error of a mean. Biometrika 6.
    """
    from scipy import stats

    test = stats.ttest_1samp(list(values), mean, alternative=tail)
    return Tested(float(test.pvalue), float(test.statistic))


def binomial_test(k: float, n: float, share: float, *, tail: str = "two-sided") -> Tested:
    """Exact binomial test of k of n against a share.

    References:
        Clopper and Pearson (1934), Biometrika 26.
    """
    from scipy import stats

    test = stats.binomtest(int(k), int(n), share, alternative=tail)
    return Tested(float(test.pvalue), float(test.statistic))


def unpaired_proportions(k1: float, n1: float, k2: float, n2: float) -> Tested:
    """Fisher's exact test of two independent shares, as papers wrongly use it on pairs.

    References:
        Fisher (1922), On the interpretation of chi-square from contingency tables. JRSS 85.
    """
    from scipy import stats

    table = [[int(k1), int(n1 - k1)], [int(k2), int(n2 - k2)]]
    test = stats.fisher_exact(table)
    return Tested(float(test.pvalue), float(test.statistic))


def cohens_h(share1: float, share2: float) -> float:
    """Cohen's h, the difference of two shares on the arcsine scale.

    References:
        Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 6.
    """
    return 2 * math.asin(math.sqrt(share1)) - 2 * math.asin(math.sqrt(share2))


def p_of_t(statistic: float, df: float, *, tail: str = "two-sided") -> float:
    """The p-value that belongs to a printed t and its degrees of freedom.

    `tail` names the side that a one-sided test looks at, `greater` or `less`.
    """
    from scipy import stats

    _freedom(df)
    return _tail_of(statistic, tail, lambda t: stats.t.sf(t, df))


def p_of_z(statistic: float, *, tail: str = "two-sided") -> float:
    """The p-value that belongs to a printed z; `tail` as in `p_of_t`."""
    from scipy import stats

    return _tail_of(statistic, tail, stats.norm.sf)


def p_of_chi2(statistic: float, df: float = 1) -> float:
    """The p-value that belongs to a printed chi-square."""
    from scipy import stats

    _no_square_below_zero("chi-square", statistic, df)
    return float(stats.chi2.sf(statistic, df))


def p_of_f(statistic: float, df1: float, df2: float) -> float:
    """The p-value that belongs to a printed F and its two degrees of freedom."""
    from scipy import stats

    _no_square_below_zero("F", statistic, df1, df2)
    return float(stats.f.sf(statistic, df1, df2))


def _no_square_below_zero(name: str, statistic: float, *df: float) -> None:
    _freedom(*df)
    if statistic < 0:
        raise ImpossibleError(f"a {name} of {statistic:g} is below 0, and is a sum of squares")


def _freedom(*df: float) -> None:
    for each in df:
        if not each > 0:
            raise ExpressionError(f"degrees of freedom are above 0, found {each:g}")


def _tail_of(statistic: float, tail: str, upper: Callable[[float], float]) -> float:
    """The p-value of a symmetric statistic, from its upper tail."""
    if tail == "two-sided":
        return float(2 * upper(abs(statistic)))
    if tail in ("greater", "less"):
        return float(upper(statistic if tail == "greater" else -statistic))
    raise ExpressionError(f"the tail is 'two-sided', 'greater' or 'less', found {tail!r}")


def exact(figure: Figure | str | float) -> float:
    """A figure that stands for itself alone, such as a dose or a threshold, and for no range."""
    figure = parse_figure(figure) if isinstance(figure, str) else figure
    if isinstance(figure, Figure):
        figure = copy.copy(figure)
        figure.exact = True
    return figure


def unreported(what: str) -> bool:
    """Stands for what a sentence would follow from and no figure of the document says."""
    raise NoEvidenceError(f"the document does not print {what}")


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, summed exactly."""
    return math.fsum(values) / len(values)


def total(values: Sequence[float]) -> float:
    """Sum: whole for whole numbers, else exact up to one rounding."""
    return sum(values) if all(isinstance(v, int) for v in values) else math.fsum(values)


def sd(values: Sequence[float], *, ddof: int = 1) -> float:
    """Standard deviation; `ddof=1` estimates that of the population the values are drawn from."""
    centre = mean(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / (len(values) - ddof))


def root_sum_of_squares(values: Sequence[float]) -> float:
    """Euclidean norm of a list of norms."""
    return math.sqrt(math.fsum(v * v for v in values))


def where(values: Sequence[Any], keep: Sequence[bool]) -> tuple[Any, ...]:
    """Those values for which `keep` is true, in their order."""
    return tuple(v for v, k in zip(values, keep, strict=True) if k)


def sort_by(values: Sequence[Any], keys: Sequence[float], *, down: bool = False) -> tuple[Any, ...]:
    """Values in the order of their keys."""
    pairs = sorted(zip(keys, values, strict=True), key=lambda pair: pair[0], reverse=down)
    return tuple(value for _, value in pairs)


def key_of_largest(values: Sequence[float], keys: Sequence[Any]) -> Any:
    """The key of the largest value (the first of equals)."""
    return max(zip(values, keys, strict=True), key=lambda pair: pair[0])[1]


def key_of_smallest(values: Sequence[float], keys: Sequence[Any]) -> Any:
    """The key of the smallest value (the first of equals)."""
    return min(zip(values, keys, strict=True), key=lambda pair: pair[0])[1]


def count(flags: Sequence[Any]) -> int:
    """How many of a list are true."""
    return sum(map(bool, flags))


def _statistic(name: str) -> Callable[..., Any]:
    # The same counts come back in every reading and in many claims.
    @functools.lru_cache(maxsize=4096)
    def call(*args: Any, **options: Any) -> Any:
        """Compute the statistic in the words that claims have for its options."""
        import analysis

        try:
            function = getattr(analysis, name)
        except AttributeError:
            raise ValueError(f"this version of steerstat has no statistic {name!r}") from None
        values = [list(a) if isinstance(a, tuple) else a for a in args]
        return _with_words_of_claims(function, values, options)

    return call


# What claims call the options of statistics; the functions name what each of them is the level of.
_OPTIONS = {"alpha": "significance", "level": "confidence"}
# What may be claimed of pairs that were looked at before the end (`stopped=`).
_AT_ANY_LOOK = ("e_value", "confidence_sequence")


def _with_words_of_claims(
    function: Callable[..., Any], values: Sequence[Any], options: dict[str, Any]
) -> Any:
    from analysis.statistics.checks import one_outcome_each
    from analysis.statistics.results import Refusal, stamped

    one_outcome_each(options.pop("outcomes_per_problem", 1))
    selected = options.pop("selected_on_outcome", False)
    if options.pop("stopped", False) and function.__name__ not in _AT_ANY_LOOK:
        raise Refusal(
            f"{function.__name__} is for a number of problems that was fixed, and a plan ended "
            f"these early: claim {' or '.join(_AT_ANY_LOOK)}"
        )
    result = function(*values, **{_OPTIONS.get(key, key): v for key, v in options.items()})
    return stamped(result) if selected else result


def signature_of(name: str) -> str:
    """How a function of claims is called: `p_of_t(statistic, df, *, tail='two-sided')`."""
    function = FUNCTIONS[name]
    if name in STATISTICS:
        import analysis

        function = getattr(analysis, name)
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of built-in functions Python knows none
        return f"{name}(values)"
    shown = [str(p.replace(annotation=inspect.Parameter.empty)) for p in parameters]
    keyword = next((i for i, p in enumerate(parameters) if p.kind is p.KEYWORD_ONLY), None)
    if keyword is not None:
        shown.insert(keyword, "*")
    return f"{name}({', '.join(shown)})"


def field_names(result: Any) -> dict[str, str]:
    """The field behind each name that a claim may use: its own, and what it is written under."""
    fields = dataclasses.fields(result)
    keys = {key: item.name for item in fields for key in item.metadata.get("keys", ())}
    return keys | {item.name: item.name for item in fields}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "all": all,
    "any": any,
    "len": len,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": math.sqrt,
    "sum": total,
    **{
        f.__name__: f
        for f in (
            binomial_test,
            cohens_h,
            count,
            exact,
            key_of_largest,
            key_of_smallest,
            mean,
            one_sample_t,
            p_of_chi2,
            p_of_f,
            p_of_t,
            p_of_z,
            root_sum_of_squares,
            sd,
            sort_by,
            unpaired_proportions,
            unreported,
            where,
            whole,
            whole_change,
        )
    },
    **{name: _statistic(name) for name in STATISTICS},
}

# The figure or the list that a function wants as printed, by place: it selects, or counts.
AS_PRINTED: dict[str, tuple[int, ...]] = {
    "exact": (0,),
    "key_of_largest": (1,),
    "key_of_smallest": (1,),
    "len": (0,),
    "sort_by": (0,),
    "where": (0,),
    "whole": (0, 1),
    "whole_change": (0, 1),
}
# Functions that give every whole number that a figure may stand for; one is picked.
CHOICES = ("whole", "whole_change")
# Functions of a printed statistic, which is rounded also where it is a whole number.
STATISTIC_FIRST = ("p_of_chi2", "p_of_f", "p_of_t", "p_of_z")
