from .check import Checked as Checked
from .check import check_claims as check_claims
from .check import check_file as check_file
from .draft import draft_claims as draft_claims
from .grim import possible_counts as possible_counts
from .keep import keep_claims as keep_claims
from .margins import enumerate_claim as enumerate_claim
from .margins import tables_that_fit as tables_that_fit
from .parsing import parse_document as parse_document
from .render import render_document as render_document
from .scan import Cover as Cover
from .scan import covers_of as covers_of
from .scan import scan_document as scan_document
from .schema import ClaimsFile as ClaimsFile
from .schema import load_claims as load_claims
from .stored import StoreRows as StoreRows

__all__ = [
    "Checked",
    "ClaimsFile",
    "Cover",
    "StoreRows",
    "check_claims",
    "check_file",
    "covers_of",
    "draft_claims",
    "enumerate_claim",
    "keep_claims",
    "load_claims",
    "parse_document",
    "possible_counts",
    "render_document",
    "scan_document",
    "tables_that_fit",
]
