from pipeline.pipeline import fraud_detection_pipeline

if __name__ == "__main__":
    fraud_detection_pipeline()
