"""The cohort: who takes part, from the roster to a table of our own, and what each role may do."""
