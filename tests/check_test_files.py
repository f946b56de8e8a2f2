#!/usr/bin/env python3
"""Checks that each source file proxy/X/Y.cc has a test file of its name: tests/unit/X/Y_test.cc, tests/session/Y_test.cc,
tests/net/Y_test.cc or tests/steady/Y_test.cc.

    check_test_files.py REPOSITORY     prints every file that has none; exits 1 if there is one
    check_test_files.py --self-test    shows that each kind of mistake is found

A file may be tested elsewhere: then TESTED_BY says where, or why it has no test. That list has no entry too many.
"""

import tree_check

# {file in proxy/: (the test files that test it, as paths in tests/; why it has none of its own)}.
TESTED_BY = {
    "admin/trace_streams": (["session/admin_server_test.cc"], "it answers beside a server, in a thread of its own"),
    "admin/admin_desk": (["session/admin_server_test.cc"], "it answers beside a server, in a thread of its own"),
    "check/beyond_advice": (["session/beyond_test.cc"], "advice is tested in the world that it is for"),
    "check/hear": (["net/way_steps_test.cc"], "it is what a step hears from a server"),
    "check/port_look": (["net/way_steps_test.cc"], "it takes servers of each kind"),
    "check/registry_advice": (["session/beyond_test.cc"], "advice is tested in the world that it is for"),
    "check/registry_walk": (["session/beyond_test.cc"], "its steps are tested in the order in which they are reported"),
    "check/surroundings": (["net/way_steps_test.cc"], "it takes servers of each kind"),
    "check/visits": (["session/beyond_test.cc"], "its steps are tested in the order in which they are reported"),
    "check/walk": (["net/way_steps_test.cc"], "steps are tested as they are walked"),
    "codec/challenge": (["session/exchange_route_test.cc"], "a challenge matters by what is answered to it"),
    "codec/refusal": (["unit/codec/http_connect_test.cc"], "a refusal is tested as the end of a handshake"),
    "commands/check": (["e2e/test_check.py", "e2e/test_cli.py"], "a command is tested as a process"),
    "commands/proxy_start": (["e2e/test_cli.py", "e2e/test_limits.py"], "it changes the limits of the process"),
    "commands/run": (["e2e/test_cli.py", "e2e/test_run.py"], "a command is tested as a process"),
    "commands/serve": (["e2e/test_cli.py", "e2e/test_reload.py"], "a command is tested as a process"),
    "commands/find_culvert": (["e2e/test_status.py"], "it asks processes"),
    "commands/setup": (["e2e/test_cli.py"], "a command is tested as a process"),
    "commands/status": (["e2e/test_status.py"], "a command is tested as a process"),
    "commands/standard_streams": (["e2e/test_cli.py"], "it changes the descriptors of the process"),
    "commands/version": (["e2e/test_cli.py"], "it is a part of what a process prints"),
    "config/admin_place": (["unit/options/build_status_test.cc"], "an option is read into it"),
    "dial/port_check": (
        ["session/hold_test.cc", "session/exchange_early_grant_test.cc"],
        "it is for requests that are held, and for plain ones",
    ),
    "dial/prober": (["session/probe_test.cc", "session/probe_tls_test.cc"], "its tests are about probes"),
    "dial/route_attempt": (
        ["session/failover_test.cc", "session/hedge_test.cc"],
        "an attempt is one step of a route's dial",
    ),
    "dial/route_dial": (
        ["session/failover_test.cc", "session/hedge_test.cc", "session/hold_test.cc"],
        "one test file each for failover, hedging and holding",
    ),
    "dial/dial_trace": (["session/session_trace_test.cc"], "its steps are tested in the order in which they are told"),
    "dial/transport": (["session/proxy_dial_test.cc"], "an interface and its defaults"),
    "dial/warm_keeper": (["session/warm_pool_test.cc"], "a pool is tested with what keeps it full"),
    "net/child_environment": (["net/process_test.cc", "net/successor_test.cc"], "it is what these children get"),
    "net/dns_channel": (["net/resolver_test.cc"], "it is tested by the names that are looked up with it"),
    "net/dns_client": (["net/resolver_test.cc"], "it is tested by the names that are looked up with it"),
    "net/name_config": (["net/resolver_test.cc"], "it is tested by the names that are looked up with it"),
    "net/name_services": (["net/resolver_test.cc", "package/test_static.py"], "whether a program is static is tested by both kinds"),
    "net/static_program": (["package/test_static.py"], "it is for the static program alone"),
    "net/stream": (["net/tcp_stream_test.cc", "net/tls_stream_test.cc"], "an interface and its defaults"),
    "net/descriptor_message": (["net/take_over_test.cc"], "it is how sockets are taken over"),
    "net/take_over_place": (["net/take_over_test.cc"], "a place is tested by who asks there"),
    "net/take_over_requests": (["net/take_over_test.cc"], "a request is tested by who asks"),
    "net/tcp_connect": (["net/tcp_dial_test.cc"], "it is the first step of what this tests"),
    "net/tls_settings": (
        ["net/tls_stream_test.cc", "net/tls_server_context_test.cc"],
        "settings are tested by what they bring about",
    ),
    "options/completion_bash": (["unit/options/completions_test.cc", "e2e/test_cli.py"], "a script is tested by its shell"),
    "options/completion_fish": (["unit/options/completions_test.cc", "e2e/test_cli.py"], "a script is tested by its shell"),
    "options/completion_zsh": (["unit/options/completions_test.cc", "e2e/test_cli.py"], "a script is tested by its shell"),
    "net/terminal_keys": (["e2e/test_status.py"], "it takes a terminal"),
    "net/terminal": (["net/foreground_child_test.cc"], "it is for that child; e2e/test_run.py has a terminal"),
    "session/session_steps": (["session/session_trace_test.cc"], "steps are tested in the order in which they are told"),
    "server/ruleset": (["session/generation_test.cc", "session/worker_test.cc"], "it is made for these"),
    "server/serve_signals": (["e2e/test_shutdown.py", "e2e/test_reload.py"], "signals are tested as a process gets them"),
    "server/server": (
        ["e2e/test_shutdown.py", "e2e/test_reload.py", "e2e/test_restart.py"],
        "it starts threads and handles the signals of the process",
    ),
    "server/lane_watch": (["session/worker_test.cc"], "it looks at the sessions of a worker"),
    "server/session_rounds": (["session/worker_test.cc"], "it looks at the sessions of a worker"),
    "server/stall_reporter": (["session/worker_test.cc", "e2e/test_stalls.py"], "it looks at the sessions of a worker"),
    "server/upstream_wait": (["e2e/test_run.py"], "it is for what is just being started"),
    "status/admin_client": (["e2e/test_status.py"], "it is tested by whom it asks"),
    "session/answer": (["session/refusals_test.cc"], "answers are tested as clients get them"),
    "session/context": (["session/connect_test.cc"], "it holds what every session needs"),
    "session/flow": (["session/relay_test.cc"], "it is one direction of a relay"),
    "session/http_date": (["session/exchange_request_test.cc"], "it is one field of a response"),
    "session/kept_refusal": (["session/sign_in_test.cc"], "it is the answer to who does not sign in"),
    "session/last_answer": (["session/refusals_test.cc"], "answers are tested as clients get them"),
    "session/message_flow": (["session/exchange_body_test.cc"], "bodies are tested as exchanges"),
    "session/plain_request": (["session/exchange_request_test.cc"], "requests are tested as exchanges"),
    "session/request_side": (
        ["session/exchange_request_test.cc", "session/exchange_body_test.cc"],
        "requests are tested as exchanges",
    ),
    "session/response_side": (
        ["session/exchange_body_test.cc", "session/exchange_interim_test.cc"],
        "an exchange has a test file for each concern of its response",
    ),
    "session/session": (
        ["session/connect_test.cc", "session/endings_test.cc", "session/access_log_test.cc"],
        "a session has a test file for each of its concerns",
    ),
    "session/tunnel_opening": (["session/connect_test.cc"], "it is the first half of a tunnel"),
    "session/upstream_connection": (["session/exchange_connection_test.cc"], "what it decides is seen in an exchange"),
}

FOLDERS = ("session", "net", "steady")


def has_own_test(tests, folder, name):
    places = [tests / "unit" / folder, *(tests / place for place in FOLDERS)]
    return any((place / f"{name}_test.cc").is_file() for place in places)


def check(root, tested_by):
    """Returns (number of files, list of what is wrong)."""
    tests = root / "tests"
    sources = sorted(path.relative_to(root / "proxy").with_suffix("") for path in (root / "proxy").glob("*/*.cc"))
    wrong = []
    for source in sources:
        own = has_own_test(tests, source.parts[0], source.name)
        listed = tested_by.get(str(source))
        if listed is None:
            if not own:
                wrong.append(f"proxy/{source}.cc has no test file of its name, and is not in TESTED_BY")
            continue
        others, reason = listed
        if own:
            wrong.append(f"proxy/{source}.cc has a test file of its name, so TESTED_BY need not name it")
        if not reason:
            wrong.append(f"TESTED_BY gives no reason for proxy/{source}.cc")
        wrong += [f"TESTED_BY names tests/{other}, which is not there" for other in others if not (tests / other).is_file()]
    names = {str(source) for source in sources}
    wrong += [f"TESTED_BY names proxy/{name}.cc, which is not there" for name in tested_by if name not in names]
    return len(sources), wrong


def self_test():
    files = [
        "proxy/base/a.cc", "tests/unit/base/a_test.cc",
        "proxy/session/b.cc", "tests/session/b_test.cc",
        "proxy/dial/c.cc", "tests/session/c_test.cc",
        "proxy/net/d.cc", "tests/net/d_test.cc",
        "proxy/dial/listed.cc", "tests/session/all_test.cc",
        "proxy/dial/wrong_folder.cc", "tests/unit/base/wrong_folder_test.cc",
        "proxy/base/none.cc",
        "proxy/base/needless.cc", "tests/unit/base/needless_test.cc",
        "proxy/base/lost.cc",
        "proxy/base/silent.cc",
        "proxy/main.cc",
    ]
    tested_by = {
        "dial/listed": (["session/all_test.cc"], "a reason"),
        "base/needless": ([], "a reason"),
        "base/lost": (["session/gone_test.cc"], "a reason"),
        "base/silent": ([], ""),
        "base/gone": ([], "a reason"),
    }
    expected = [
        ("proxy/dial/wrong_folder.cc", "has no test file of its name"),
        ("proxy/base/none.cc", "has no test file of its name"),
        ("proxy/base/needless.cc", "has a test file of its name"),
        ("tests/session/gone_test.cc", "is not there"),
        ("proxy/base/silent.cc", "gives no reason"),
        ("proxy/base/gone.cc", "is not there"),
    ]
    return tree_check.self_test(lambda root: check(root, tested_by), dict.fromkeys(files, ""), expected)


if __name__ == "__main__":
    tree_check.main(__doc__, lambda root: check(root, TESTED_BY), self_test)
