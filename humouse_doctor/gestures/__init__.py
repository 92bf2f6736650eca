"""Gestures from files and sessions, read with bounded memory."""
