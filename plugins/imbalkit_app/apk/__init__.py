"""A signed Android app (APK) from the template in `android/`, in Python alone."""
