# culvert_static: the objects of culvert once more, as one file that needs no library and no loader, so that it runs on any
# Linux. It is built only when it is asked for: cmake --build FOLDER --target culvert_static makes FOLDER/culvert-static.

if(NOT CULVERT_STATIC_RUNTIME)
  message(FATAL_ERROR "CULVERT_STATIC takes CULVERT_STATIC_RUNTIME")
endif()

# In this order, as each needs what is behind it.
set(static_libraries)
foreach(library cares crypt jansson ssl crypto uv)
  find_library(CULVERT_STATIC_${library} NAMES lib${library}.a lib${library}_a.a REQUIRED)
  mark_as_advanced(CULVERT_STATIC_${library})
  list(APPEND static_libraries ${CULVERT_STATIC_${library}})
endforeach()
if(TARGET llhttp::llhttp_static OR NOT TARGET llhttp::llhttp_shared)
  set(static_llhttp $<TARGET_LINKER_FILE:$<IF:$<TARGET_EXISTS:llhttp::llhttp_static>,llhttp::llhttp_static,culvert_llhttp>>)
else()
  find_library(CULVERT_STATIC_llhttp NAMES libllhttp.a REQUIRED)
  set(static_llhttp ${CULVERT_STATIC_llhttp})
endif()

# Functions by which libraries would bring what culvert never uses: half a megabyte.
set(left_out
  # Old forms of encrypted keys, for which culvert takes no passphrase.
  openssl_add_all_ciphers_int
  # Modules of hardware.
  engine_load_openssl_int engine_load_dynamic_int engine_load_padlock_int engine_load_afalg_int engine_load_rdrand_int
  # Certificates by HTTP, and tables that nobody asks for.
  OSSL_HTTP_get EC_nistp256_pre_comp_free EC_nistp256_pre_comp_dup)
# Compressed certificates, for which OpenSSL 3.5 of Debian 13 would take zlib and zstd. Before 3.2 each method has to be there.
if(OPENSSL_VERSION VERSION_GREATER_EQUAL 3.2)
  foreach(method brotli zlib zstd)
    list(APPEND left_out BIO_f_${method} COMP_${method} COMP_${method}_oneshot ossl_comp_${method}_cleanup)
  endforeach()
endif()
# Texts for errors in what it never does.
foreach(part ASYNC CMP CMS COMP CRMF CT DSO ENGINE ESS HTTP OCSP OSSL_STORE PKCS7 PKCS12 TS UI)
  list(APPEND left_out ossl_err_load_${part}_strings)
endforeach()
# Hashes of passwords that it refuses (policy/password_file).
foreach(hash descrypt bigcrypt bsdicrypt md5crypt nt sha1crypt sunmd5 scrypt gost_yescrypt)
  list(APPEND left_out _crypt_crypt_${hash}_rn _crypt_gensalt_${hash}_rn)
endforeach()
list(TRANSFORM left_out APPEND "=culvert_left_out")
# Of tables of functions: those that write keys, in each form there is.
execute_process(COMMAND ${CMAKE_NM} --defined-only --extern-only ${CULVERT_STATIC_crypto} OUTPUT_VARIABLE symbols ERROR_QUIET)
string(REGEX MATCHALL "ossl_[A-Za-z0-9_]+_encoder_functions" encoders "${symbols}")
list(REMOVE_DUPLICATES encoders)
list(TRANSFORM encoders APPEND "=kCulvertNoFunctions")
list(APPEND left_out ${encoders})
list(TRANSFORM left_out PREPEND "-Wl,--defsym=")

add_executable(culvert_static EXCLUDE_FROM_ALL proxy/main.cc proxy/net/static_program.cc)
set_target_properties(culvert_static PROPERTIES OUTPUT_NAME culvert-static)
target_sources(culvert_static PRIVATE $<TARGET_OBJECTS:culvert_core>)
foreach(property INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_OPTIONS)
  set_property(TARGET culvert_static PROPERTY ${property} $<TARGET_PROPERTY:culvert_core,${property}>)
endforeach()
# Not by the targets' names, which would bring the shared libraries.
add_dependencies(culvert_static culvert_small culvert_llhttp)
target_link_libraries(culvert_static PRIVATE $<TARGET_FILE:culvert_small> ${static_llhttp} ${static_libraries})
target_link_options(culvert_static PRIVATE -static-pie ${left_out}
  -Wl,-T,${CMAKE_CURRENT_LIST_DIR}/static.ld -Wl,--no-eh-frame-hdr -Wl,-z,noseparate-code -Wl,-O2)
culvert_link_time_optimise(culvert_static)
# The linker has to see what it takes in place of others.
set_source_files_properties(proxy/net/static_program.cc PROPERTIES COMPILE_OPTIONS -fno-lto)
