"""The campus: syllabus, notebooks, book, cohort, hub and study time of the modelling programme."""
