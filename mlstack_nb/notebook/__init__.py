"""The notebook floor: magics, display and completion in IPython. The only place that imports IPython."""
