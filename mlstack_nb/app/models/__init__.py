"""Models: versions that gather the runs, artifacts and deployments of one thing that is learned again and again."""
