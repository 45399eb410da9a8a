from sklearn.ensemble import RandomForestClassifier
from zenml import step


# WRONG - no type annotation - artifact is not tracked
@step
def train_model(X_train, y_train):
    return RandomForestClassifier().fit(X_train, y_train)
