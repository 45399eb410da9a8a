"""The table of routes, below `mlstack-nb/`. Of two that fit an address the upper one answers."""

from __future__ import annotations

from mlstack_nb.server import artifacts, components, notebooks, run_steps, runs, schedules, stacks
from mlstack_nb.server.route import Route

ROUTES = (
    Route("GET", "stacks", stacks.listing),
    Route("POST", "stacks", stacks.register, stacks.NewStack),
    Route("GET", "stacks/{name}", stacks.show),
    Route("PATCH", "stacks/{name}", stacks.change, stacks.StackChanges),
    Route("DELETE", "stacks/{name}", stacks.delete),
    Route("PUT", "active-stack", stacks.activate, stacks.StackName),
    Route("GET", "health", stacks.health),
    Route("GET", "flavors", components.flavors),
    Route("GET", "components", components.listing),
    Route("POST", "components", components.register, components.NewComponent),
    Route("PATCH", "components/{kind}/{name}", components.change, components.ComponentChanges),
    Route("DELETE", "components/{kind}/{name}", components.delete),
    Route("GET", "notebooks/{path}/pipeline", notebooks.pipeline),
    Route("GET", "notebooks/{path}/lint", notebooks.lint),
    Route("POST", "notebooks/{path}/export", notebooks.export, notebooks.ExportWanted),
    Route("GET", "runs", runs.listing, runs.RunsWanted),
    Route("POST", "runs", runs.start, runs.RunWanted),
    Route("GET", "runs/{id}", runs.show),
    Route("POST", "runs/{id}/cancel", runs.cancel),
    Route("POST", "runs/{id}/resume", runs.resume),
    Route("GET", "runs/{id}/diff/{other}", runs.diff),
    Route("GET", "runs/{id}/steps/{step}/log", run_steps.log),
    Route("GET", "runs/{id}/steps/{step}/notebook", run_steps.notebook),
    Route("POST", "runs/{id}/steps/{step}/debug", run_steps.debug, run_steps.DebugWanted),
    Route("GET", "artifacts", artifacts.listing, artifacts.ArtifactsWanted),
    Route("GET", "artifacts/{name}", artifacts.show, artifacts.VersionWanted),
    Route("GET", "schedules", schedules.listing),
    Route("POST", "schedules", schedules.add, schedules.ScheduleWanted),
    Route("GET", "schedules/preview", schedules.preview, schedules.TimeWanted),
    Route("DELETE", "schedules/{name}", schedules.remove),
    Route("POST", "schedules/{name}/pause", schedules.pause),
    Route("POST", "schedules/{name}/resume", schedules.resume),
    Route("POST", "schedules/{name}/trigger", schedules.trigger),
)
