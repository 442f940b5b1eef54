"""A file a section: `values(report)` gives what its template shows, or None where the run has nothing to show."""
