//! Gives the pages of our own code and constants back to the kernel: an idle PID 1 keeps a few kilobytes
//! mapped, and takes a page from the file (the page cache, shared by all containers) when it runs again.

/// What the kernel says of a loaded segment.
type Header = libc::Elf64_Phdr;

/// Drops every page of the *non-writable* loaded segments. They are file pages that nothing wrote to, so
/// their content cannot be lost; a writable segment is never touched.
pub fn drop_pages() {
    // SAFETY: getauxval reads the vector that the kernel left on the stack.
    let address = unsafe { libc::getauxval(libc::AT_PHDR) };
    // SAFETY: as above.
    let count = unsafe { libc::getauxval(libc::AT_PHNUM) } as usize;
    if address == 0 {
        return;
    }
    // SAFETY: the kernel says that `count` program headers stand at `address`; they are mapped for good.
    let headers = unsafe { std::slice::from_raw_parts(address as *const Header, count) };
    // A position-independent file is loaded at an offset from its own addresses: PT_PHDR tells both sides. A
    // file at fixed addresses has no offset, and may have no PT_PHDR.
    let offset = headers
        .iter()
        .find(|header| header.p_type == libc::PT_PHDR)
        .map_or(0, |header| address.wrapping_sub(header.p_vaddr));
    let page = 4096;
    for header in headers.iter().filter(|h| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_W == 0) {
        let start = offset.wrapping_add(header.p_vaddr);
        // Whole pages only, rounded outwards as the kernel mapped them: the file's segments never share one
        // with a writable segment, since their protections differ.
        let from = start & !(page - 1);
        let length = (start + header.p_memsz).next_multiple_of(page) - from;
        // SAFETY: the range is one read-only private file mapping; MADV_DONTNEED makes the next access read
        // the same bytes from the file again.
        unsafe { libc::madvise(from as *mut libc::c_void, length as usize, libc::MADV_DONTNEED) };
    }
}
