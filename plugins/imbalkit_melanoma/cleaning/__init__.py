"""What a data set leaves out, and why; see steps.py."""

from typing import Literal

Step = Literal["conflicting_labels", "repeated_names", "official_duplicates", "published_lists", "near_duplicates"]
