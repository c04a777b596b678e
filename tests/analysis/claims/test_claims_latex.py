"""LaTeX as real papers write it: what a reader sees, tables, and values put back so it compiles."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.claims import draft_claims, render_document, scan_document
from analysis.claims.check import Checked, check_file
from analysis.claims.latex import latex_text
from analysis.claims.numbers import numbers_in
from analysis.claims.parsing import parse_document
from sql.errors import UserError


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"$5.8\times10^{-48}$", "5.8×10^-48"),
        (r"$5.8 \cdot 10^{-8}$", "5.8 ·10^-8"),
        (r"12{,}345", "12,345"),
        (r"\num{25.8}\%", "25.8%"),
        (r"\SI{25.8}{\percent}", "25.8%"),
        (r"\textbf{\textit{34.9}\%}", "34.9%"),
        (r"{\bf 34.9}", "34.9"),
        (r"\textcolor{red!20}{34.9}", "34.9"),
        (r"$-6.7 \pm 5.3$", "-6.7 ±5.3"),
        (r"$0.04^{**}$", "0.04**"),
        (r"$x_{t+1} = y_2^2$", "x = y"),
        (r"$\chi^2(5) = 3.2$", "χ(5) = 3.2"),
        (r"A\cite[p.~3]{b1}\citep[see][5]{c2}\label{fig:3}\ref{4}", "A"),
        (r"\vspace*{6pt}\hspace{0.02\linewidth}\setlength{\parskip}{2pt}", ""),
        (r"\verb|n = 5| and \texttt{x3}", "and"),
        (r"\footnote{of 86}", "of 86"),
        (r"\unknown{34.9}", "34.9"),
        (r"9--10 and 3---5", "9–10 and 3—5"),
        (r"50\% % not 60", "50%"),
        (r"a } b 3 { c 4", "a  b 3  c 4"),  # braces that do not match end nothing
        (r"$\alpha=+1.0$", "α=+1.0"),
        (r"p $\leq$ .05", "p ≤ .05"),
    ],
)
def test_what_a_reader_sees(source, text):
    assert latex_text(source).strip() == text


PAPER = r"""
\documentclass[11pt]{article}
\usepackage[margin=1in]{geometry}
\newcommand{\best}{34.9\%}
\newcommand{\acc}[1]{\textbf{#1}}
\def\nseeds{3}
\renewcommand{\arraystretch}{1.2}
\setlength{\tabcolsep}{4pt}
\begin{document}
\title{Steering}
\section{Results}\label{sec:5}
% the old value: 31.4\%
\iffalse 77.7\% \fi
\begin{comment} 88.8 \end{comment}
As \citet{wu2025} and \citep[Sec.~3.2]{hao2024} say, Llama-3.2-1B and GPT-2 with \nseeds\ seeds
reach \best{} (Table~\ref{tab:1}, Eq.~\eqref{eq:2}), \acc{30.2\%} before, at width 0.48\linewidth.
\begin{figure}[t]\includegraphics[width=0.48\linewidth]{a1.pdf}\caption{On 86 problems.}\end{figure}
\begin{equation}\label{eq:2} x_{t+1} = 2 x_t + \alpha v_t, \quad t = 0,\dots,5 \end{equation}
\[ 34.9\% - 30.2\% = 4.7 \]
\begin{lstlisting}[language=Python]
seed = 12345 % {{
\end{lstlisting}
\begin{tabular}{p{2cm}S[table-format=2.1]} a & 26.7 \\[2pt] b & \multicolumn{1}{c}{19.8} \\
\end{tabular}
\begin{tikzpicture}\draw (0,0) -- (3,4);\end{tikzpicture}
\end{document}
"""


def test_layout_code_and_names_are_no_numbers():
    found = [u.number for u in scan_document(PAPER, [], latex=True)]
    assert found == ["3", "34.9%", "30.2%", "86", "34.9%", "30.2%", "4.7", "26.7", "19.8"]
    lines = PAPER.splitlines()
    for number in scan_document(PAPER, [], latex=True):
        assert number.context == lines[number.line - 1].strip()
        assert lines[number.line - 1][number.column - 1] in "345+-2189\\"
    assert "12345" in [u.number for u in scan_document(PAPER, [], latex=True, code=True)]


TABLE = r"""
\section{Main}
\begin{tabular}{@{}llS[table-format=2.1]c@{}}
\toprule
\multirow{2}{*}{Direction} & Dose & {Acc.} & Change \\
 & $\alpha$ & {(\%)} & (pts) \\ \cmidrule(lr){1-4}
\multirow{3}{*}{\textsc{raw}} & $0.0$ & 32.6 & -- \\   % baseline
 & $+1.0$ & \textbf{34.9} & $+2.3$ \\[2pt]
 & $-3.0$ & 19.8 &
   $-12.8$ \\
\midrule
\multicolumn{2}{l}{random, mean of 5} & \num{25.8} & $-6.7 \pm 5.3$ \\
\bottomrule
\end{tabular}
"""


def test_a_table_with_spans_is_read_whole():
    (grid,) = parse_document(TABLE, latex=True).tables
    assert grid.header == ["Direction", "Dose α", "Acc. (%)", "Change (pts)"]
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["raw", "0.0", "32.6", "–"],
        ["raw", "+1.0", "34.9", "+2.3"],
        ["raw", "-3.0", "19.8", "-12.8"],
        ["random, mean of 5", "", "25.8", "-6.7 ±5.3"],
    ]


def test_a_draft_of_it_checks_and_says_what_it_left_out(tmp_path):
    drafted = draft_claims(TABLE, title="t", n=86, latex=True)
    path = tmp_path / "claims.toml"
    path.write_text(drafted)
    checked = {c.id: c for c in check_file(path)}
    assert {c.verdict for c in checked.values()} == {"PASS"}
    assert sorted(c.printed for c in checked.values()) == [
        "+2.3 pts",
        "-12.8 pts",
        "19.8%",
        "32.6%",
        "34.9%",
    ]
    assert "25.8% is a mean and no whole number of 86 problems" in drafted
    assert scan_document(TABLE, [], latex=True)
    # What the draft covers, it covers line by line.
    path.write_text(drafted)
    assert check_file(path)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *(r"\begin{tabular}{l}", r"\end{tabular}", "&", r"\\", "{", "}", "$", "$$", "%\n"),
                *(r"\multirow{2}{*}{3}", r"\multicolumn", r"\claim{a}{3}", r"\claim", "[", "]"),
                *(r"\begin{document}", r"\end{verbatim}", "^", "_", r"10^{-3}", r"\num", "~"),
                *(r"\newcommand{\x}{\x 3}", r"\x", "5.5\\%", "text", "\n\n", r"\[", r"\]", "\\"),
                *(r"\begin{equation}", r"\end{equation}", r"\def\y", r"\hline", "#1", "\x00", "é"),
            ]
        ),
        max_size=14,
    )
)
def test_no_latex_breaks_the_reader(pieces):
    source = " ".join(pieces)
    try:
        document = parse_document(source, latex=True)
    except UserError:
        return
    assert len(document.text) == len(document.places)
    assert all(0 <= place <= len(source) for place in document.places)
    list(numbers_in(document))


def test_what_is_nested_too_deeply_is_one_line():
    with pytest.raises(UserError, match="nested too deeply"):
        parse_document("{" * 5000 + "1" + "}" * 5000, latex=True)


ANCHORED = r"""\documentclass{article}
\newcommand{\claim}[2]{#2}
\begin{document}
Accuracy \claim{acc}{\textbf{31.0\,\%}} and $\claim{p}{p = .31}$, so \claim{p2}{$p < .01$};
\claim{tiny}{$p = 5.8\times10^{-48}$}, \claim{n}{12{,}345}, \claim{ci}{[$-4.2$, $9.4$]~pts},
\claim{new} and \claim{words}{significant} \claim{odd}{31 of 86 (36\%)}.
\begin{tabular}{lc} a & \claim{cell}{$-12.8$} \\ \end{tabular}
\end{document}
"""


def make(name, kind, printed, recomputed, verdict="VALUE-DRIFT"):
    return Checked(name, "t", printed, recomputed, verdict, "why", kind, "", "")


CLAIMS = [
    make("acc", "value", "31.0%", "32.6%"),
    make("p", "p", "p = .31", "p = .45"),
    make("p2", "p", "p < .01", "p = .0629", "DECISION-DRIFT"),
    make("tiny", "p", "p = 5.8e-48", "p = 1.2e-30"),
    make("n", "count", "12,345", "23,456"),
    make("ci", "interval", "[-4.2, 9.4] pts", "[-4.1 pts, 9.5 pts]"),
    make("new", "value", "31%", "32%"),
    make("words", "decision", "significant", "0.2", "UNSUPPORTED"),
    make("odd", "value", "36%", "37%"),
    make("cell", "value", "-12.8 pts", "-9.3 pts"),
]


def test_values_keep_the_form_that_stood_there():
    done = render_document(ANCHORED, CLAIMS, latex=True)
    for shown in (
        r"\claim{acc}{\textbf{32.6\,\%}}",
        r"$\claim{p}{p = .45}$",
        r"\claim{p2}{$p = .0629$}",
        r"\claim{tiny}{$p = 1.2\times10^{-30}$}",
        r"\claim{n}{23{,}456}",
        r"\claim{ci}{[$-4.1$, $9.5$]~pts}",
        r"\claim{new}{32\%}",
        r"\claim{words}{significant}",
        r"\claim{odd}{31 of 86 (36\%)}",
        r"\claim{cell}{$-9.3$}",
    ):
        assert shown in done.text
    assert set(done.kept) == {"words", "odd"}
    assert "is no figure into which 37% could be put" in done.kept["odd"]
    again = render_document(done.text, CLAIMS, latex=True)
    assert (again.text, again.changed) == (done.text, {})


def test_what_was_written_compiles(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    for name, text in (
        ("before", ANCHORED.replace(r"\claim{new} ", r"\claim{new}{x} ")),
        ("after", render_document(ANCHORED, CLAIMS, latex=True).text),
    ):
        (tmp_path / f"{name}.tex").write_text(text)
        made = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout.decode(errors="replace")[-500:]


def test_arguments_of_an_anchor_may_stand_apart() -> None:
    source = (
        "\\claim {a} {31.0\\%}, \\claim{b}%\n{2}, \\claim{c}\n{3}, \\claim{ d }{4}, \\claim{e} 5"
    )
    anchors = parse_document(source, latex=True).anchors
    shown = {one.claim: source[one.start : one.end] for one in anchors}
    assert shown == {"a": "31.0\\%", "b": "2", "c": "3", "d": "4", "e": ""}
