from zenml import pipeline
from first.steps import deploy_model_step, evaluate_model, load_data, train_model


@pipeline
def training_pipeline(
    dataset_path: str = "data/features.parquet",
    test_fraction: float = 0.2,
    n_estimators: int = 100,
    max_depth: int = 5,
    deploy_threshold: float = 0.85,
):
    X_train, X_test, y_train, y_test = load_data(
        dataset_path=dataset_path,
        test_fraction=test_fraction,
    )
    model = train_model(
        X_train=X_train,
        y_train=y_train,
        n_estimators=n_estimators,
        max_depth=max_depth,
    )
    evaluation_results = evaluate_model(
        model=model,
        X_test=X_test,
        y_test=y_test,
    )
    deploy_model_step(
        model=model,
        evaluation_results=evaluation_results,
        deploy_threshold=deploy_threshold,
    )
