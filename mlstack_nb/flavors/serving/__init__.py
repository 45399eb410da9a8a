"""A model server as a service of this machine: one address that stays, in front of replicas that come and go.

`python -m mlstack_nb.flavors.serving FOLDER` is the service; who deploys talks to it by files in the folder.
"""
