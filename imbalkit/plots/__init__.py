"""Every chart, of one run and of many."""
