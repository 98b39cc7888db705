#include "ipc/shared_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <utility>

namespace gevent {
namespace {

Result<OwnedFd> open_nameless_memory() noexcept {
#ifdef MFD_CLOEXEC
  OwnedFd memory(::memfd_create("gevent-locks", MFD_CLOEXEC));
  if (memory) return memory;
  if (errno != ENOSYS) return Error::from_errno("memfd_create");
#endif
  // A name for the length of two calls. The process id and a counter make it ours; O_EXCL makes sure.
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    char name[32];
    std::snprintf(name, sizeof name, "/gevent-%x-%x", static_cast<unsigned>(::getpid()), counter++);
    OwnedFd named(::shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    if (!named) {
      if (errno == EEXIST) continue;
      return Error::from_errno("shm_open");
    }
    ::shm_unlink(name);
    ::fcntl(named.get(), F_SETFD, FD_CLOEXEC);
    return named;
  }
  return Error(EEXIST, "shm_open");
}

}  // namespace

Result<SharedMapping> SharedMapping::create(std::size_t size) noexcept {
  Result<OwnedFd> memory = open_nameless_memory();
  if (!memory) return memory.error();
  if (::ftruncate(memory.value().get(), static_cast<off_t>(size)) != 0) return Error::from_errno("ftruncate");
  return attach(std::move(memory).value(), size);
}

Result<SharedMapping> SharedMapping::attach(OwnedFd fd, std::size_t size) noexcept {
  // A file that is too short would end the process at the first touch (SIGBUS), far from the mistake.
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno("fstat");
  if (static_cast<std::size_t>(status.st_size) < size) return Error(EINVAL, "shared memory of another make");
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return Error::from_errno("mmap");
#ifdef MADV_DONTDUMP
  ::madvise(data, size, MADV_DONTDUMP);  // a core file would count the untouched part too
#endif
  return SharedMapping(std::move(fd), static_cast<std::byte*>(data), size);
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : fd_(std::move(other.fd_)), data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

SharedMapping::~SharedMapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace gevent
