"""The exchange: how assignments reach associates, and how their work and the feedback on it travel, on any machine."""
