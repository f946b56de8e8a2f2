# The whole program among real peers, one test a module. Each module makes its own namespaces, so they may run
# side by side. Each says how many quarters of a processor it keeps busy: 1 and 2 wait most of the time, 4 works most of the
# time, and 8, which moves hundreds of megabytes or measures, gets a machine of two processors to itself.
#
# A module says SKIP and why where it cannot run. With CI=true that is a failure.
#
# Under the thread sanitizer only those run that have something to find there: several workers, and no bulk.

set(CULVERT_PEERS ${PROJECT_SOURCE_DIR}/build/peers CACHE PATH "What scripts/peers has filled")

# culvert_e2e(MODULE QUARTERS [PART name] [ONLY pattern...] [TSAN [pattern...]]): a module, or the part of it that
# has the patterns in its tests' names; and what of it is for the thread sanitizer.
function(culvert_e2e module quarters)
  cmake_parse_arguments(e2e "" "PART" "ONLY;TSAN" ${ARGN})
  set(only ${e2e_ONLY})
  if(CULVERT_SANITIZE STREQUAL "thread")
    if(NOT "TSAN" IN_LIST ARGN)
      return()
    endif()
    if(e2e_TSAN)
      set(only ${e2e_TSAN})
    endif()
  endif()
  list(TRANSFORM only PREPEND "-k;")
  list(JOIN e2e_PART "" part)
  set(name e2e.${module})
  if(part)
    string(APPEND name _${part})
  endif()
  add_test(NAME ${name}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/test_${module}.py ${only})
  set_tests_properties(${name} PROPERTIES
    LABELS e2e PROCESSORS ${quarters} TIMEOUT 240 SKIP_RETURN_CODE 77
    ENVIRONMENT "CULVERT=$<TARGET_FILE:culvert>;CULVERT_PEERS=${CULVERT_PEERS};PYTHONDONTWRITEBYTECODE=1")
endfunction()

culvert_e2e(admin 4 TSAN Numbers Health Actions HandOver HostileClients)
culvert_e2e(cli 4)
culvert_e2e(check 2)
culvert_e2e(curl 4)
culvert_e2e(socks 2)
culvert_e2e(guard 4)
culvert_e2e(proxy_protocol 2)
culvert_e2e(reload 8 TSAN)
culvert_e2e(secrets 4)
culvert_e2e(service 1 TSAN Notices)
culvert_e2e(sign_in 2 TSAN)
culvert_e2e(status 2)
culvert_e2e(stalls 1)
culvert_e2e(tls 2)
culvert_e2e(trace 2 TSAN)
culvert_e2e(environment 2)
culvert_e2e(run 2)
culvert_e2e(tunnel_command 1 TSAN WithFourThreads)
culvert_e2e(tunnels 2 TSAN WithFourThreads.test_a_reload WithFourThreads.test_an_upgrade)
culvert_e2e(failures 1 TSAN WithFourThreads lookups_that_hang)
culvert_e2e(upstreams 1 PART failover ONLY Failover Hold TSAN FailoverWithFourThreads HoldWithFourThreads)
culvert_e2e(upstreams 1 PART chains ONLY Chains TSAN ChainsWithFourThreads)
culvert_e2e(upstreams 1 PART warm ONLY Warm TSAN WarmWithFourThreads)
culvert_e2e(workers 1 TSAN)
culvert_e2e(journal 2)
culvert_e2e(names 1 TSAN)
culvert_e2e(setup 4)
culvert_e2e(setup_json 2)
culvert_e2e(plain_http 4)
culvert_e2e(cut_downloads 2)
culvert_e2e(registry 4)
culvert_e2e(docker 2)
culvert_e2e(upgrade 8 TSAN with_another at_each_stage tunnel_command)
culvert_e2e(restart 8 TSAN nothing_is another_number cannot_serve gives_up has_left)
culvert_e2e(shutdown 8 TSAN idle second_signal as_soon drain_timeout drain_ends)
culvert_e2e(faults 1)
culvert_e2e(limits 8)
culvert_e2e(relay 8)
# Rates, and crowds, are as fast as they are: with the address sanitizer they would only take longer.
if(NOT CULVERT_SANITIZE MATCHES "address")
  culvert_e2e(client_limits 1 TSAN)
  culvert_e2e(crowds 8 TSAN test_two_workers)
endif()
if(NOT CULVERT_SANITIZE)
  culvert_e2e(admin_crowd 8)
  culvert_e2e(pulls 4)
endif()
# These take most of a minute: first, so that others run meanwhile.
foreach(name e2e.upstreams_warm e2e.upstreams_failover e2e.pulls e2e.docker e2e.failures)
  if(TEST ${name})
    set_tests_properties(${name} PROPERTIES COST 1000)
  endif()
endforeach()
