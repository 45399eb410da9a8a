from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from zenml import step


# WRONG - not portable
@step
def save_model(model):
    import boto3

    boto3.client("s3").put_object(Bucket="my-bucket", Key="model.pkl", Body=...)


# CORRECT - use ZenML's artifact store interface
@step
def train_and_save(X_train, y_train) -> ClassifierMixin:
    model = RandomForestClassifier().fit(X_train, y_train)
    return model  # ZenML saves to active artifact store automatically
