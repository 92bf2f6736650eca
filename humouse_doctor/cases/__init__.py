"""Building of a case from inputs: one frozen object with all that the probes measure."""
