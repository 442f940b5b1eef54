"""`python -m imbalkit_lite`"""

from imbalkit_lite.cli import main

main()
