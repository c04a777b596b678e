"""Check every claim of a file: expand it, recompute it, judge it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from analysis.claims.binding import Environment, Rows, undefined_names
from analysis.claims.errors import ExpressionError, ImpossibleError, NoEvidenceError
from analysis.claims.evidence import contrary, rests_on_a_test
from analysis.claims.expression import evaluate
from analysis.claims.judge import DEVIATED, FAIL, PASS, UNDETERMINED, UNSUPPORTED, Judgement
from analysis.claims.margins import MOST_PAIRS, PairTable, enumerate_claim, tables_that_fit
from analysis.claims.ranges import (
    Sides,
    decided,
    kindest,
    over_readings,
    sides_of,
    truths_of,
)
from analysis.claims.readings import MOST, Choice, Compute, Reading, combinations, size
from analysis.claims.schema import Claim, ClaimsFile, Margins, load_claims, parse_claims
from analysis.vocabulary import ClaimKind, ClaimVerdict
from sql.errors import UserError


@dataclass(frozen=True)
class Checked:
    """One claim and what became of it.

    Attributes:
        id: name of the claim, unique in its file.
        text: what the document says, in words.
        printed: figure or word as printed.
        recomputed: the same, recomputed, at the printed precision.
        verdict: one of `analysis.vocabulary.ClaimVerdict`.
        reason: why.
        kind: kind of claim.
        where: place in the document.
        note: what a reader should know beyond the reason.
    """

    id: str
    text: str
    printed: str
    recomputed: str
    verdict: ClaimVerdict
    reason: str
    kind: ClaimKind
    where: str
    note: str

    def as_dict(self) -> dict[str, str]:
        """The record as plain text fields."""
        return asdict(self)


def check_file(path: Path, *, rows: Rows | None = None) -> list[Checked]:
    """Check the claims file at `path`, in its order.

    Args:
        path: the TOML file.
        rows: a store's answers (`analysis.claims.stored.StoreRows`), where claims need them.

    Raises:
        UserError: the file is invalid, names something undefined, or holds no claim.
    """
    return _check_whole(load_claims(path), str(path), rows)


def check_text(text: str, *, rows: Rows | None = None, name: str = "claims") -> list[Checked]:
    """`check_file` for the text of a claims file; `name` is for its errors."""
    return _check_whole(parse_claims(text, name=name), name, rows)


def _check_whole(file: ClaimsFile, name: str, rows: Rows | None) -> list[Checked]:
    missing = undefined_names(file)
    if missing:
        raise UserError(f"{name}: {'; '.join(missing[:5])}")
    return check_claims(file, rows=rows)


def check_claims(file: ClaimsFile, *, rows: Rows | None = None) -> list[Checked]:
    """Check claims that are already loaded.

    Raises:
        UserError: a claim cannot be computed as it is written; names it. What the document does
            wrong is a verdict, what the file does wrong is an error.
    """
    environment = Environment(file, rows)
    checked = []
    for claim in file.claim:
        try:
            keys = environment.row_keys(claim)
            checked += [_check(claim, environment, key) for key in keys]
        except (ExpressionError, UserError) as error:
            raise UserError(f"claim {claim.id!r}: {error}") from None
    ids = [c.id for c in checked]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise UserError(f"these claim ids come out twice: {', '.join(twice[:5])}")
    return checked


@dataclass(frozen=True)
class _Case:
    """One claim on one row of its table, with what its expressions may use.

    Attributes:
        claim: the claim.
        printed: what it prints, templates filled in.
        environment: names of the file.
        key: the row, None without a table.
        extra: names of the claim itself: level, margin, value.
    """

    claim: Claim
    printed: str
    environment: Environment
    key: str | None
    extra: Mapping[str, Any]

    def names(self, environment: Environment) -> Mapping[str, Any]:
        """Names that come before those of the file."""
        return ChainMap(dict(self.extra), environment.row(self.claim, self.key))  # type: ignore[arg-type]

    def compute(self, expression: str) -> Compute:
        """What an expression gives under a reading."""

        def under(reading: Reading) -> Any:
            """Its value, each figure of the file taken as the reading takes it."""
            local = self.environment.under(reading)
            value = evaluate(expression, local.scope(self.names(local)), reading)
            return reading.settle(value)

        return under

    @property
    def level(self) -> float:
        """Significance of the claim."""
        return float(self.extra["level"])


def _check(claim: Claim, environment: Environment, key: str | None) -> Checked:
    row = environment.row(claim, key)
    printed = ""
    try:
        if claim.printed is not None:
            printed = environment.fill(str(claim.printed), row)
        extra = _numbers(claim, environment, row)
        extra |= _bound(claim, environment)
        judgement = _judge_all(_Case(claim, printed, environment, key, extra))
    except ImpossibleError as error:
        judgement = Judgement(FAIL, "", str(error))
    except NoEvidenceError as error:
        judgement = Judgement(UNSUPPORTED, "", str(error))
    if claim.plan is not None and judgement.verdict not in (PASS, UNDETERMINED, UNSUPPORTED):
        named = f"the frozen plan names {judgement.recomputed}, the document has {printed}"
        judgement = replace(judgement, verdict=DEVIATED, reason=named)
    return Checked(
        id=_words(claim.id, environment, row),
        text=_words(claim.text, environment, row),
        printed=printed or ("holds" if claim.says else "does not hold"),
        recomputed=judgement.recomputed,
        verdict=judgement.verdict,
        reason=judgement.reason,
        kind=claim.kind,
        where=_words(claim.where, environment, row),
        note=_words(claim.note, environment, row),
    )


def _words(text: str, environment: Environment, row: Mapping[str, Any]) -> str:
    """A text with its templates filled in; as it stands where a figure in it cannot be."""
    try:
        return environment.fill(text, row)
    except (ImpossibleError, NoEvidenceError):
        return text


def _numbers(claim: Claim, environment: Environment, row: Mapping[str, Any]) -> dict[str, float]:
    """Level and margin of a claim, as they are printed."""
    found = {}
    for key in ("level", "margin"):
        given = getattr(claim, key)
        if given is None:
            continue
        value = environment.value_of(given, row) if isinstance(given, str) else given
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise ExpressionError(
                f"key {key!r}: needs a number between 0 and 1, such as 0.05, found {value!r}"
            )
        found[key] = float(value)
    return found


def _bound(claim: Claim, environment: Environment) -> dict[str, Any]:
    """What a store or a frozen plan holds for a claim, as `value`."""
    if claim.query is not None:
        return {"value": environment.rows.query(claim.query)}
    if claim.result is not None:
        return {"value": environment.rows.stored(claim.result)}
    if claim.plan is not None:
        return {"value": environment.rows.planned(claim.plan)}
    return {}


def _judge_all(case: _Case) -> Judgement:
    """Judge each reading that the document leaves open, and take the kindest."""
    readings = case.claim.readings or {"": case.claim.expr or "value"}
    judgements = {label: _judge(case, text) for label, text in readings.items()}
    if list(judgements) == [""]:
        return judgements[""]
    best = kindest(list(judgements.values()))
    said = "; ".join(f"{label}: {j.reason}" for label, j in judgements.items())
    return replace(best, reason=said)


def _judge(case: _Case, expression: str) -> Judgement:
    """Judge one expression for every count that a printed figure may stand for."""
    choices = _choices(case, expression)
    counted = {key: choice for key, choice in choices.items() if choice.counted}
    if size(counted) > MOST:
        return _under(case, expression, choices, {})
    loose = {key: choice for key, choice in choices.items() if not choice.counted}
    judgements = []
    for fixed in combinations(counted):
        try:
            judgements.append(_under(case, expression, loose, fixed))
        except (ExpressionError, ImpossibleError, NoEvidenceError):
            # These counts cannot stand together; unless none can, they are no reading.
            if len(judgements) == 0 and fixed == list(combinations(counted))[-1]:
                raise
    return _over_counts(case.claim, judgements)


def _choices(case: _Case, expression: str) -> dict[str, Choice]:
    """The figures that a claim uses, and what each may stand for."""
    met: dict[str, Choice] = {}
    table = PairTable(0, 0, 1)
    if case.claim.margins is not None:
        reading = Reading()
        tables = _tables(case, case.claim.margins, reading)
        met |= reading.met
        table = tables[0] if tables else table
    reading = Reading()
    if case.claim.margins is None or met or table.n > 1:
        _with_table(case, table).compute(expression)(reading)
    return met | reading.met


def _with_table(case: _Case, table: PairTable) -> _Case:
    if case.claim.margins is None:
        return case
    cells = {"gained": table.gained, "lost": table.lost, "n": table.n}
    return replace(case, extra={**case.extra, **cells})


def _under(
    case: _Case, expression: str, loose: Mapping[str, Choice], fixed: Mapping[str, float]
) -> Judgement:
    """Judge an expression for settled counts: over every table that fits, where it needs one."""
    if case.claim.margins is None:
        return _one(case, expression, loose, fixed)
    tables = _tables(case, case.claim.margins, Reading(fixed))
    if not tables:
        raise ImpossibleError("no 2x2 table fits the printed totals")
    each = {t: _one(_with_table(case, t), expression, loose, fixed) for t in tables}
    enumeration = enumerate_claim(tables, lambda table: each[table].verdict == PASS)
    values = [judgement.recomputed for judgement in each.values()]
    shown = values[0] if len(set(values)) == 1 else f"{values[0]} to {values[-1]}"
    if enumeration.always:
        verdict: ClaimVerdict = PASS
    elif enumeration.never and all(j.verdict != UNDETERMINED for j in each.values()):
        verdict = kindest(list(each.values())).verdict
    else:
        verdict = UNDETERMINED
    return Judgement(verdict, shown, f"true {enumeration.says()}")


def _one(
    case: _Case, expression: str, loose: Mapping[str, Choice], fixed: Mapping[str, float]
) -> Judgement:
    """Judge an expression for settled counts and one table."""
    claim, compute = case.claim, case.compute(expression)
    if claim.kind not in ("decision", "equivalence"):
        return over_readings(claim, case.printed, compute, case.level, loose, fixed)
    parts = sides_of(expression)
    sides = parts and Sides(case.compute(parts[0]), case.compute(parts[1]), parts[2])
    truths, shown, said = truths_of(sides, compute, loose, fixed)
    other = contrary(claim, expression) if claim.says and truths == {False} else None
    shows_other = False
    if other is not None:
        shows_other = truths_of(None, case.compute(other), loose, fixed)[0] == {True}
    tested = rests_on_a_test(claim, expression)
    return decided(claim, truths, shown, said, tested=tested, contrary=shows_other)


def _over_counts(claim: Claim, judgements: Sequence[Judgement]) -> Judgement:
    """One verdict over every count that fits.

    A value is right if a reading gives it; everything else has to hold for all.
    """
    verdicts = {judgement.verdict for judgement in judgements}
    if len(judgements) == 1 or claim.kind in ("value", "interval"):
        return kindest(judgements)
    shown = list(dict.fromkeys(judgement.recomputed for judgement in judgements))
    recomputed = shown[0] if len(shown) == 1 else f"{shown[0]} to {shown[-1]}"
    if verdicts == {PASS}:
        return replace(judgements[0], recomputed=recomputed)
    if PASS not in verdicts and UNDETERMINED not in verdicts:
        best = kindest(judgements)
        return replace(best, recomputed=recomputed)
    passed = sum(judgement.verdict == PASS for judgement in judgements)
    reasons = list(dict.fromkeys(judgement.reason for judgement in judgements))
    if verdicts == {UNDETERMINED}:
        said = reasons[0] if len(reasons) == 1 else f"{reasons[0]}; other counts: {reasons[-1]}"
        return Judgement(UNDETERMINED, shown[0], said)
    said = f"true for {passed} of the {len(judgements)} counts that print so"
    if claim.margins is not None:
        other = next(judgement for judgement in judgements if judgement.verdict != PASS)
        return Judgement(UNDETERMINED, other.recomputed, f"{said}; for others {other.reason}")
    return Judgement(UNDETERMINED, recomputed, f"{said}: {recomputed}")


def _tables(case: _Case, margins: Margins, reading: Reading) -> list[PairTable]:
    local = case.environment.under(reading)
    names = case.names(local)

    def number(key: str) -> int | None:
        """The whole number that a margin gives; None without one."""
        expression = getattr(margins, key)
        if expression is None:
            return None
        value = evaluate(expression, local.scope(names), reading)
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            raise ExpressionError(
                f"key 'margins.{key}': {expression!r} is no whole number of problems, but {value!r}"
            )
        return int(value)

    n = number("n")
    if n is not None and n > MOST_PAIRS:
        raise ExpressionError(f"tables are tried for up to {MOST_PAIRS:,} problems, found {n}")
    before, after, net = number("before"), number("after"), number("net")
    return tables_that_fit(n or 0, before=before, after=after, net=net)
