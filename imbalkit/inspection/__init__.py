"""Looking at data before training: drafting a recipe, leaks between splits, near duplicates."""
