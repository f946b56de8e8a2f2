# For a build on amd64 by Debian's cross compiler, with the libraries that are unpacked in CULVERT_SYSROOT.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-L;/usr/aarch64-linux-gnu)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CULVERT_SYSROOT)

# The second is for the sources of llhttp, which scripts/run unpacks.
cmake_path(SET CULVERT_DEPS NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../build/deps)
set(CMAKE_FIND_ROOT_PATH ${CULVERT_SYSROOT} ${CULVERT_DEPS})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_CXX_FLAGS_INIT "-isystem ${CULVERT_SYSROOT}/usr/include -isystem ${CULVERT_SYSROOT}/usr/include/aarch64-linux-gnu")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CULVERT_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${CULVERT_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
