from zenml.client import Client

client = Client()

# Get the latest pipeline run
pipeline = client.get_pipeline("fraud-detection-training")
latest_run = pipeline.last_run

# Access artifacts from a specific step
train_step_artifact = latest_run.steps["train_model"].outputs["trained_model"].load()
metrics = latest_run.steps["evaluate_model"].outputs["evaluation_metrics"].load()

print(f"Latest model AUC: {metrics['roc_auc']:.4f}")
print(f"Model type: {type(train_step_artifact)}")
