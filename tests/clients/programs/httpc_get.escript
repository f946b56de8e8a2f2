#!/usr/bin/env escript
main([Url, Host, Port, Authority]) ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, _} = application:ensure_all_started(inets),
    Proxy = {{Host, list_to_integer(Port)}, []},
    ok = httpc:set_options([{proxy, Proxy}, {https_proxy, Proxy}]),
    Tls = [{verify, verify_peer}, {cacertfile, Authority}],
    case httpc:request(get, {Url, []}, [{ssl, Tls}], []) of
        {ok, {{_, 200, _}, _, Body}} -> io:format("~s~n", [Body]);
        Other -> io:format("~p~n", [Other]), halt(1)
    end.
