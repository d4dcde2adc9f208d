"""What we measure, and against what: every figure stands beside a limit measured in the same run."""
