# trigger.py - called from GitHub Actions or GitLab CI
from pipeline.pipeline import fraud_detection_pipeline
from zenml.client import Client

client = Client()

# Ensure the right stack is active in CI
client.activate_stack("vertex-production")

# Run the pipeline
fraud_detection_pipeline(
    dataset_uri="data/2024-03-01.parquet",
    deploy_threshold=0.86,
)
