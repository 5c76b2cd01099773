"""Runs in the background, signals, threads, processes: nothing hangs, nothing is lost, nothing is held that others need."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import numpy as np
import pytest

import ratioflow as rf
from conftest import SHORT, Moments

LONG = {**SHORT, "flow.steps": 100_000}


def until(what, seconds=30.0):
    """Waits until it is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.002)


def script(code: str, **settings) -> subprocess.CompletedProcess:
    """Runs it in a process of its own."""
    code = "import os, signal, sys, threading, time\nimport numpy as np\nimport ratioflow as rf\n" + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, cwd="/", **settings)


def test_a_run_goes_on_in_the_background():
    handle = rf.start("eight-gaussians", set=LONG)
    with pytest.raises(TimeoutError, match="of 100000 steps are done"):
        handle.wait(0.05)
    until(lambda: handle.inspect() is not None)
    first = handle.inspect()
    until(lambda: handle.inspect().step > first.step)
    assert not handle.done and "running" in repr(handle)
    assert first.cloud.shape == (80, 2) and first.steps == 100_000 and first.time >= 0
    run = handle.abort("seen enough")
    assert handle.done and "ended" in repr(handle) and handle.wait() is run
    assert run.status == "complete" and run.ending["kind"] == "stopped" and run.ending["reason"] == "seen enough"
    assert run.verdict.sentence in run.sentence and run.manifest["steps"] >= first.step and len(run.cloud) == 80
    assert run.columns["step"][-1] == run.manifest["steps"]


def test_a_run_can_be_held_and_let_go():
    handle = rf.start("eight-gaussians", set=LONG)
    until(lambda: handle.inspect() is not None)
    handle.pause()
    assert handle.paused and "paused" in repr(handle)
    until(lambda: _stands(handle))
    held = handle.inspect()
    time.sleep(0.1)
    assert handle.inspect().step == held.step
    handle.resume()
    until(lambda: handle.inspect().step > held.step)
    assert not handle.paused
    # A run that is held can be ended.
    handle.pause()
    assert handle.abort().ending["kind"] == "stopped"


def _stands(handle):
    step = handle.inspect().step
    time.sleep(0.05)
    return handle.inspect().step == step


def test_a_run_that_was_held_is_the_same_run():
    plain = rf.run("eight-gaussians", set={**SHORT, "flow.steps": 40})
    handle = rf.start("eight-gaussians", set={**SHORT, "flow.steps": 40})
    for _ in range(3):
        handle.pause()
        time.sleep(0.01)
        handle.resume()
    assert handle.wait().manifest == plain.manifest


def test_an_aborted_run_is_the_beginning_of_the_whole_one():
    handle = rf.Flow("gaussian", "ring", steps=5000, particles=100, samples=200, frames=5000).start_solving()
    until(lambda: handle.inspect() is not None and handle.inspect().step > 3)
    part = handle.abort()
    whole = rf.flow("gaussian", "ring", steps=5000, particles=100, samples=200, frames=5000) if len(part.ys) < 400 else None
    assert part.ending["kind"] == "stopped"
    if whole is not None:
        np.testing.assert_array_equal(part.ys[:-1], whole.ys[: len(part.ys) - 1])


def test_leaving_a_block_ends_the_run():
    with rf.start("eight-gaussians", set=LONG) as handle:
        until(lambda: handle.inspect() is not None)
    assert handle.wait(20).ending["kind"] == "stopped"


def test_a_handle_that_nobody_holds_ends_its_run():
    class Counting(Moments):
        pass

    own = Counting()
    flow = rf.Flow("gaussian", "ring", own, steps=100_000, particles=60, samples=100, set={"metrics.floor_draws": 19})
    handle = flow.start()
    until(lambda: own.fits > 3)
    gone = weakref.ref(handle)
    del handle
    assert gone() is None
    until(lambda: _rests(own))


def _rests(own):
    fits = own.fits
    time.sleep(0.2)
    return own.fits == fits


def test_an_error_of_the_background_is_raised_where_it_is_waited_for(clouds):
    class Failing(Moments):
        def fit(self, real, fake):
            super().fit(real, fake)
            if self.fits == 3:
                raise RuntimeError("boom")

    handle = rf.Flow(*clouds, Failing(), steps=10, set={"metrics.floor_draws": 19}).start()
    for _ in range(2):
        with pytest.raises(rf.EstimatorError, match="^at step 2, `Failing.fit` failed: RuntimeError: boom$") as raised:
            handle.wait()
        assert str(raised.value.__cause__) == "boom"
    assert handle.done


def test_two_threads_may_wait_for_one_run():
    handle = rf.start("eight-gaussians", set={**SHORT, "flow.steps": 200})
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(handle.wait())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == 4 and len({id(run) for run in seen}) == 1


def test_other_threads_of_python_go_on_while_the_engine_works():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5000, 2)), rng.normal(size=(5000, 2)) + 1
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        rf.mmd2(a, b)
    stop.set()
    thread.join()
    assert counted[0] > 50


def test_flows_in_several_threads_are_the_same_as_one_by_one(clouds):
    fake, real = clouds
    settings = [("kde", 1), ("moments", 2), (Moments(), 3), ("kde", 4), (Moments(), 5), ("logistic", 6)]
    solve = lambda estimator, seed: rf.flow(fake, real, estimator, seed=seed, steps=15).ys
    expected = [solve(type(e)() if isinstance(e, Moments) else e, seed) for e, seed in settings]
    found = [None] * len(settings)

    def work(k):
        found[k] = solve(*settings[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(settings))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for one, other in zip(expected, found):
        np.testing.assert_array_equal(one, other)


def test_two_threads_may_take_the_steps_of_one_flow(clouds):
    steps, seen, lock = iter(rf.Flow(*clouds, steps=60)), [], threading.Lock()

    def take():
        for step in steps:
            # The array is asked for while the other thread moves the flow on.
            cloud = step.cloud
            with lock:
                seen.append((step.index, cloud, cloud.copy()))

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(index for index, _, _ in seen) == list(range(61))
    whole = rf.flow(*clouds, steps=60).ys
    for index, cloud, copy in seen:
        np.testing.assert_array_equal(cloud, copy)
        np.testing.assert_array_equal(cloud, whole[index])


# ------------------------------------------------------------------------------------------------ signals

ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does it")
INTERRUPT = "threading.Timer({}, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
SETTINGS = repr(LONG)


@ON_POSIX
def test_ctrl_c_ends_a_run_and_leaves_what_is_there():
    done = script(INTERRUPT.format(0.6) + f"run = rf.run('eight-gaussians', set={SETTINGS})\nprint(run.ending['kind'], run.ending['reason'], run.manifest['steps'] < 100000, bool(run.verdict.sentence))")
    assert done.stdout == "stopped by Ctrl-C True True\n", done.stderr


@ON_POSIX
def test_ctrl_c_ends_a_bare_flow_and_leaves_what_is_there():
    done = script(INTERRUPT.format(0.5) + "s = rf.flow('gaussian', 'ring', steps=10_000_000, particles=100, samples=200)\nprint(s.ending['kind'], s.ys.shape[1:])")
    assert done.stdout == "stopped (100, 2)\n", done.stderr


@ON_POSIX
def test_ctrl_c_while_waiting_leaves_the_run_alone():
    code = f"""
    handle = rf.start('eight-gaussians', set={SETTINGS})
    {INTERRUPT.format(0.6).strip()}
    try:
        handle.wait()
    except KeyboardInterrupt:
        step = handle.inspect().step
        while handle.inspect().step == step: time.sleep(0.01)
        print('goes on', handle.abort().ending['kind'])
    """
    done = script(code)
    assert done.stdout == "goes on stopped\n", done.stderr


@ON_POSIX
def test_ctrl_c_is_heard_at_once_within_a_measure():
    code = """
    a = np.random.default_rng(1).normal(size=(20000, 2))
    sent = []
    def send():
        sent.append(time.monotonic()); os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.5, send).start()
    try:
        rf.measure(a, a + 1, points=20000)
    except KeyboardInterrupt:
        print(time.monotonic() - sent[0] < 0.5, rf.w2(a[:50], a[50:100]) > 0)
    os._exit(0 if sys.stdout.flush() is None else 1)
    """
    done = script(code)
    assert done.stdout == "True True\n", done.stderr


@ON_POSIX
def test_the_handler_of_a_signal_runs_while_the_engine_works():
    code = """
    heard = []
    signal.signal(signal.SIGALRM, lambda *_: heard.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
    began = time.monotonic()
    a = np.random.default_rng(1).normal(size=(3000, 2))
    while time.monotonic() - began < 1.5: rf.energy_distance(a, a + 1, with_floor=True, draws=99)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(len(heard) >= 5)
    """
    assert script(code).stdout == "True\n"


@ON_POSIX
def test_a_second_ctrl_c_gives_up():
    code = """
    class Slow:
        def fit(self, real, fake): time.sleep(3)
        def evaluate(self, x): return np.zeros(len(x)), np.ones((len(x), 2))
    for at in (0.8, 1.2): threading.Timer(at, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        rf.flow('gaussian', 'ring', Slow(), steps=1000, particles=50)
        print('ended')
    except KeyboardInterrupt:
        print('gave up')
    """
    done = script(code)
    assert done.stdout == "gave up\n", done.stderr


@ON_POSIX
def test_ctrl_c_between_steps_leaves_the_flow_usable():
    code = INTERRUPT.format(0.5) + textwrap.dedent("""
    steps = iter(rf.Flow('gaussian', 'ring', steps=10_000_000, particles=500))
    try:
        for step in steps: pass
    except KeyboardInterrupt:
        print(next(steps).index > step.index, steps.ending)
    """)
    done = script(code)
    assert done.stdout == "True None\n", done.stderr


# ------------------------------------------------------------------------------------------------ processes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_works_and_knows_what_it_lacks():
    code = f"""
    import warnings; warnings.simplefilter('ignore')
    a, b = np.random.default_rng(1).normal(size=(2, 300, 2))
    expected = rf.w2(a, b), rf.flow(a, b, steps=5).cloud.sum()
    handle = rf.start('eight-gaussians', set={SETTINGS})
    child = os.fork()
    if child == 0:
        assert (rf.w2(a, b), rf.flow(a, b, steps=5).cloud.sum()) == expected
        assert rf.run('moons', set={SHORT!r}).status == 'complete'
        for ask in (handle.wait, handle.inspect, handle.pause, handle.resume, handle.abort):
            try: ask()
            except RuntimeError as error: assert 'from which this one was forked' in str(error)
            else: os._exit(3)
        assert 'of another process' in repr(handle)
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), handle.abort().ending['kind'])
    """
    done = script(code)
    assert done.stdout == "7 stopped\n", done.stderr


def test_pools_of_processes_take_runs_and_give_them_back():
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        runs = list(pool.map(_seeded, [1, 2]))
    assert [run.manifest["seed"] for run in runs] == [1, 2] and runs[0].final != runs[1].final
    assert runs[0].manifest == _seeded(1).manifest


def _seeded(seed):
    return rf.run("moons", set={**SHORT, "seed": seed})


@pytest.mark.parametrize("drop", [0, 1, 2] * 3)
def test_a_program_may_end_while_runs_go_on(drop):
    code = f"""
    class Own:
        def fit(self, real, fake): self.d = real.mean(0) - fake.mean(0)
        def evaluate(self, x): return x @ self.d, np.broadcast_to(self.d, x.shape)
    handles = [rf.start('eight-gaussians', set={SETTINGS}), rf.Flow('gaussian', 'ring', Own(), steps=100000).start()]
    steps = iter(rf.Flow('gaussian', 'ring', steps=9)); step = next(steps); cloud = step.cloud
    while any(handle.inspect() is None for handle in handles): time.sleep(0.01)
    del handles[{drop}:]
    print('ends')
    """
    done = script(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")


def test_the_package_is_quiet_when_it_is_imported():
    done = script("print('pandas' in sys.modules, 'matplotlib' in sys.modules, 'IPython' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False False False\n", "")
