"""report.html: a run on one page that needs nothing else."""

from imbalkit.report.markdown import markdown_table
from imbalkit.report.write import write_report

__all__ = ["markdown_table", "write_report"]
