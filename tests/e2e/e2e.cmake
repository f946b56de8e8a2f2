# The whole program among real peers, one test a module. Each module makes its own namespaces, so they may run
# side by side; those that move hundreds of megabytes or measure get the machine to themselves.
#
# A module says SKIP and why where it cannot run. With CI=true that is a failure.

set(CULVERT_PEERS ${PROJECT_SOURCE_DIR}/build/peers CACHE PATH "What scripts/peers has filled")

function(culvert_e2e name processors)
  add_test(NAME e2e.${name} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/test_${name}.py)
  set_tests_properties(e2e.${name} PROPERTIES
    LABELS e2e PROCESSORS ${processors} TIMEOUT 240 SKIP_RETURN_CODE 77
    ENVIRONMENT "CULVERT=$<TARGET_FILE:culvert>;CULVERT_PEERS=${CULVERT_PEERS};PYTHONDONTWRITEBYTECODE=1")
endfunction()

culvert_e2e(cli 1)
culvert_e2e(curl 1)
culvert_e2e(guard 1)
culvert_e2e(reload 2)
culvert_e2e(secrets 1)
culvert_e2e(surroundings 1)
culvert_e2e(tunnel_command 1)
culvert_e2e(failures 1)
culvert_e2e(way_out 2)
culvert_e2e(plain_http 1)
culvert_e2e(registry 1)
culvert_e2e(docker 2)
culvert_e2e(ending 2)
culvert_e2e(limits 2)
culvert_e2e(relay 2)
