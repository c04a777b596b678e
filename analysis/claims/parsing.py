"""Parse a document, Markdown or LaTeX."""

from __future__ import annotations

from analysis.claims.documents import Document
from analysis.claims.latex import parse_latex
from analysis.claims.markdown import parse_markdown
from sql.errors import UserError


def parse_document(source: str, *, latex: bool = False, code: bool = False) -> Document:
    """Parse a document.

    Args:
        source: its text.
        latex: whether it is LaTeX, else Markdown.
        code: whether what stands in code counts as text.

    Raises:
        UserError: it is nested too deeply to be read.
    """
    document = Document(source, latex)
    try:
        if latex:
            parse_latex(document, code=code)
        else:
            parse_markdown(document, code=code)
    except RecursionError:
        raise UserError("the document is nested too deeply to be read") from None
    return document
