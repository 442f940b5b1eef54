"""Numbers as tables spell them."""

# Decimal commas, and commas between thousands, too.
NUMBER = r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?|[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"
