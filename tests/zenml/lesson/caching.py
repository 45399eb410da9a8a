import pandas as pd
from zenml import step


@step(enable_cache=False)  # Always re-run - data changes daily
def load_fresh_data(source_uri: str) -> pd.DataFrame:
    return pd.read_parquet(source_uri)


@step(enable_cache=True)  # Cache safely - deterministic computation
def compute_features(df: pd.DataFrame) -> pd.DataFrame:
    # Feature engineering - same inputs always produce same outputs
    engineered_df = df.assign(interaction=df["feature_1"] * df["feature_2"])
    return engineered_df
