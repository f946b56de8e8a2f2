#include "options/read_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "support/catch.h"
#include "unit/options/temporary_file.h"

using namespace culvert;

TEST_CASE("a file is read whole") {
  const std::string text("a\n\0b", 4);
  const TemporaryFile file(text);
  for (const ReadWhen when : {ReadWhen::starting, ReadWhen::serving}) {
    const FileContent content = read_file(file.path(), when);
    CHECK(content.problem.empty());
    CHECK(content.text == text);
  }
  CHECK_FALSE(is_pipe(file.path()));
}

TEST_CASE("a file that is missing, no file, or too large") {
  CHECK(read_file("/nonexistent", ReadWhen::starting).problem == "No such file or directory");
  CHECK(read_file("/tmp", ReadWhen::starting).problem == "Is a directory");
  CHECK(read_file("/dev/zero", ReadWhen::starting).problem == "larger than 1 MiB");
  const TemporaryFile most(std::string(1024 * 1024, 'x'));
  CHECK(read_file(most.path(), ReadWhen::starting).text.size() == 1024 * 1024);
}

TEST_CASE("a pipe is refused while clients are served") {
  const TemporaryFile file("");
  const std::string path = file.path() + ".pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(is_pipe(path));
  CHECK(read_file(path, ReadWhen::serving).problem == kPipeWhileServing);
  ::unlink(path.c_str());
  CHECK_FALSE(is_pipe(path));
}
