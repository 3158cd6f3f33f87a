"""Traces of jobs: which steps of their lives took how long, sent to a collector by OTLP (docs/operations.md, "Traces")."""
