// A doubly linked list through its members: linking and unlinking never allocate and cannot fail.
#pragma once
#include <cstddef>

namespace gevent {

// Put this in (as a base of) whatever wants to stand in a list. A node is in one list at most;
// it leaves the list when it is destroyed.
class ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }

  // Leaves the list; does nothing when in none.
  void unlink() noexcept {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T>
  friend class IntrusiveList;

  void link_before(ListNode& other) noexcept {
    previous_ = other.previous_;
    next_ = &other;
    previous_->next_ = this;
    other.previous_ = this;
  }

  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

// A list of T, where T derives from ListNode. The list owns nobody.
template <typename T>
class IntrusiveList {
 public:
  IntrusiveList() noexcept { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) pop_front();
    head_.next_ = head_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }
  [[nodiscard]] T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  [[nodiscard]] T* back() noexcept { return empty() ? nullptr : static_cast<T*>(head_.previous_); }

  // The one after `item`, or nullptr at the end. Requires: `item` is in this list.
  [[nodiscard]] T* after(T& item) noexcept {
    ListNode* next = static_cast<ListNode&>(item).next_;
    return next == &head_ ? nullptr : static_cast<T*>(next);
  }

  void push_back(T& item) noexcept { static_cast<ListNode&>(item).link_before(head_); }
  void push_front(T& item) noexcept { static_cast<ListNode&>(item).link_before(*head_.next_); }

  // Unlinks and returns the first, or nullptr.
  T* pop_front() noexcept {
    T* first = front();
    if (first != nullptr) first->unlink();
    return first;
  }

  // Moves everything from `other` behind what is here.
  void take_all(IntrusiveList& other) noexcept {
    if (other.empty()) return;
    ListNode* first = other.head_.next_;
    ListNode* last = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }

 private:
  ListNode head_;
};

}  // namespace gevent
