"""Many runs: sweeps and paired comparisons."""
