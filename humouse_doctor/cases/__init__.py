"""Inputs to a case: one frozen object with all that the probes measure."""
