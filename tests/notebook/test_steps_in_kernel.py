"""Step cells in a real kernel do all that an ordinary cell does, and keep to themselves."""

from __future__ import annotations

import time
from typing import Any

from mlstack_nb.notebook.badge import MIME


def test_outputs_are_bound_and_nothing_else_of_the_cell_is(kernel: Any) -> None:
    assert kernel.run("%%step bind -> doubled\nbind_part = 21\ndoubled = bind_part * 2").state == "completed"
    assert kernel.run("print(doubled, 'bind_part' in globals())").printed == "42 False\n"


def test_without_an_arrow_the_outputs_are_the_public_names(kernel: Any) -> None:
    reply = kernel.run("%%step public\npublic_a = 1\n_private = 2\npublic_b = 3")
    assert [output["name"] for output in reply.badge[MIME]["outputs"]] == ["public_a", "public_b"]


def test_a_step_reads_another_steps_output(kernel: Any) -> None:
    kernel.run("%%step first -> first_out\nfirst_out = [1, 2]")
    reply = kernel.run("%%step second -> second_out\nsecond_out = first_out + [3]\nsecond_out")
    assert reply.result is not None
    assert reply.result["text/plain"] == "[1, 2, 3]"


def test_a_step_run_again_is_cached_and_its_output_loads_when_an_ordinary_cell_reads_it(kernel: Any) -> None:
    cell = "%%step again -> again_out\nprint('working')\nagain_out = {'a': [1]}"
    assert kernel.run(cell).printed == "working\n"
    assert kernel.run(cell).state == "cached"
    assert kernel.run("print(again_out)").printed == "{'a': [1]}\n"


def test_print_display_and_the_last_expression_come_in_order_and_the_badge_last(kernel: Any) -> None:
    reply = kernel.run("%%step order -> order_out\nprint('one')\ndisplay('two')\norder_out = 3\norder_out + 1")
    assert [m["kind"] for m in reply.messages] == ["stream", "display_data", "execute_result", "display_data"]
    assert reply.result["text/plain"] == "4"


def test_a_semicolon_silences_the_last_expression(kernel: Any) -> None:
    assert kernel.run("%%step silent -> silent_out\nsilent_out = 1\nsilent_out;").result is None


def test_out_and_underscore_follow_what_a_step_shows(kernel: Any) -> None:
    kernel.run("%%step shown -> shown_out\nshown_out = 1\n'shown ' * 2")
    assert kernel.run("_").result["text/plain"] == "'shown shown '"
    kernel.run("'ordinary'")
    assert kernel.run("_").result["text/plain"] == "'ordinary'"


def test_shell_commands_see_the_steps_names(kernel: Any) -> None:
    reply = kernel.run("%%step sh -> lines\nword = 'hello'\n!echo {word} $word\nlines = !echo {word}\nlines = [*lines]")
    assert reply.printed.split() == ["hello", "hello"]
    assert kernel.run("print(lines)").printed == "['hello']\n"


def test_inner_magics_run_in_the_steps_namespace(kernel: Any) -> None:
    reply = kernel.run("%%step magics -> timed\nbase = 20\n%time timed = base + 2\n%who int")
    assert "Wall time" in reply.printed
    assert reply.printed.split("\n")[-2].split() == ["base", "timed"]
    assert kernel.run("print(timed, 'base' in globals())").printed == "22 False\n"


def test_a_plot_appears_under_the_step(kernel: Any) -> None:
    reply = kernel.run(
        "%%step plot -> plotted\n%matplotlib inline\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\nplt.show()\nplotted = 1"
    )
    assert any("image/png" in m.get("data", {}) for m in reply.messages), reply


def test_a_cell_that_awaits_is_awaited(kernel: Any) -> None:
    reply = kernel.run("%%step wait -> waited\nimport asyncio\nawait asyncio.sleep(0.01)\nwaited = 5\nwaited + 1")
    assert reply.status == "ok", reply
    assert reply.state == "completed"
    assert reply.result["text/plain"] == "6"
    assert kernel.run("print(waited, 'asyncio' in globals())").printed == "5 False\n"


def test_an_awaiting_step_inside_another_magic_says_what_to_do(kernel: Any) -> None:
    reply = kernel.run("%%time\n%%step nested_wait -> x\nimport asyncio\nawait asyncio.sleep(0)\nx = 1")
    assert "Make %%step the first line of its cell." in reply.error["evalue"]


def test_a_step_runs_inside_other_cell_magics(kernel: Any) -> None:
    reply = kernel.run("%%time\n%%step nested -> nested_out\nnested_out = 3")
    assert reply.state == "completed"
    assert "Wall time" in reply.printed
    assert kernel.run("nested_out").result["text/plain"] == "3"


def test_a_traceback_names_only_the_cells_own_lines_as_numbered_in_the_whole_cell(kernel: Any) -> None:
    reply = kernel.run("%%step broken -> out\n\nimport math\ndef inner():\n    return 1 / 0\nout = inner()")
    assert reply.status == "error"
    assert reply.error["ename"] == "ZeroDivisionError"
    assert ", line 6" in reply.traceback
    assert ", line 5, in inner()" in reply.traceback
    assert "----> 6 out = inner()" in reply.traceback
    assert "mlstack_nb" not in reply.traceback
    assert "run_cell_magic" not in reply.traceback
    assert "skipping hidden" not in reply.traceback


def test_a_traceback_of_an_awaiting_cell_is_the_same(kernel: Any) -> None:
    reply = kernel.run("%%step broken_wait -> out\nimport asyncio\nawait asyncio.sleep(0)\nout = 1 / 0")
    assert "----> 4 out = 1 / 0" in reply.traceback
    assert "mlstack_nb" not in reply.traceback


def test_line_numbers_hold_inside_another_magic(kernel: Any) -> None:
    reply = kernel.run("%%time\n%%step broken_timed -> out\nout = 1 / 0")
    assert "----> 3 out = 1 / 0" in reply.traceback


def test_a_failed_step_shows_its_badge_and_binds_nothing(kernel: Any) -> None:
    reply = kernel.run("%%step failing -> failing_out\nfailing_out = 1\nraise ValueError('no')")
    assert reply.state == "failed"
    assert kernel.run("failing_out").error["ename"] == "NameError"


def test_a_syntax_error_names_its_line_in_the_cell(kernel: Any) -> None:
    reply = kernel.run("%%step wrong -> x\nx = 1\nif x print(x)")
    assert reply.error["ename"] == "StepSyntaxError"
    assert "line 3" in reply.error["evalue"]


def test_a_return_outside_a_function_is_a_syntax_error_before_anything_runs(kernel: Any) -> None:
    reply = kernel.run("%%step returning -> x\nprint('ran')\nx = 1\nreturn x")
    assert reply.error["ename"] == "StepSyntaxError"
    assert "line 4" in reply.error["evalue"]
    assert reply.printed == ""


def test_stop_iteration_comes_out_as_it_is(kernel: Any) -> None:
    assert kernel.run("%%step stop -> x\nx = next(iter([]))").error["ename"] == "StopIteration"


def test_sys_exit_fails_the_step_and_leaves_the_kernel_alive(kernel: Any) -> None:
    reply = kernel.run("%%step leaving -> x\nimport sys\nx = 1\nsys.exit(3)")
    assert reply.status == "error"
    assert kernel.run("print('alive')").printed == "alive\n"


def test_a_name_that_only_the_kernel_holds_is_refused(kernel: Any) -> None:
    kernel.run("globals()['hid' + 'den'] = 5")
    reply = kernel.run("%%step peeking -> x\nx = hidden")
    assert reply.error["ename"] == "UndefinedNameError"
    assert "'hidden'" in reply.error["evalue"]


def test_our_errors_are_two_fields_without_a_traceback(kernel: Any) -> None:
    reply = kernel.run("%%step unknown --no-cach -> x\nx = 1")
    assert reply.status == "error"
    assert "\n  -> " in reply.error["evalue"]
    assert reply.error["traceback"] == [f"{reply.error['ename']}: {reply.error['evalue']}"]


def test_an_error_stops_the_cells_queued_behind_it(kernel: Any) -> None:
    failing = kernel.start("%%step stopper -> x\nimport time\ntime.sleep(0.3)\nraise ValueError")
    queued = kernel.start("print('went on')")
    assert kernel.finish(failing).status == "error"
    assert kernel.finish(queued).status == "aborted"


def test_an_interrupt_cancels_the_step_and_restores_the_kernel(kernel: Any) -> None:
    request = kernel.start("%%step slow -> slow_out\nprint('began')\nslow_out = 1\nwhile True:\n    pass")
    for message in kernel.messages(request):
        if message["kind"] == "stream":
            break
    kernel.interrupt()
    reply = kernel.finish(request)
    assert reply.error["ename"] == "KeyboardInterrupt"
    assert reply.state == "cancelled"
    restored = "import sys; print('slow_out' in globals(), vars(sys.modules['__main__']) is globals())"
    assert kernel.run(restored).printed == "False True\n"
    assert kernel.run("%%step after_slow -> quick\nquick = 1").state == "completed"


def test_an_interrupt_cancels_an_awaiting_step(kernel: Any) -> None:
    request = kernel.start("%%step slow_wait -> out\nimport asyncio\nprint('began')\nawait asyncio.sleep(60)\nout = 1")
    for message in kernel.messages(request):
        if message["kind"] == "stream":
            break
    time.sleep(0.2)
    kernel.interrupt()
    reply = kernel.finish(request)
    assert reply.error["ename"] == "KeyboardInterrupt"
    assert reply.state == "cancelled"
    assert "await asyncio.sleep(60)" in reply.traceback


def test_pickle_finds_classes_defined_in_the_step(kernel: Any) -> None:
    reply = kernel.run("%%step pickling -> size\nimport pickle\nclass Local: pass\nsize = len(pickle.dumps(Local()))")
    assert reply.state == "completed", reply


def test_future_imports_of_a_step_stay_inside(kernel: Any) -> None:
    kernel.run("%%step futuristic -> x\nfrom __future__ import annotations\nx = 1")
    assert kernel.run("def f(a: int): pass\nprint(f.__annotations__)").printed == "{'a': <class 'int'>}\n"


def test_a_figure_comes_above_the_badge(kernel: Any) -> None:
    reply = kernel.run(
        "%%step drawn -> drawn_out\n%matplotlib inline\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\ndrawn_out = 1\nNone"
    )
    assert [next(iter(m["data"].keys() & {MIME, "image/png"})) for m in reply.messages] == ["image/png", MIME]


def test_a_figure_of_a_failed_step_comes_above_its_badge(kernel: Any) -> None:
    reply = kernel.run("%%step torn -> torn_out\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\ntorn_out = 1 / 0")
    first, second, last = reply.messages
    assert "image/png" in first["data"]
    assert MIME in second["data"]
    assert last["kind"] == "error"
