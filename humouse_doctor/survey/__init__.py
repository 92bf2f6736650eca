"""Many runs at once: found below a folder, and what they say together."""
