"""The autograder: from an authored assignment to marks and feedback."""
