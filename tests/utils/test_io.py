"""Atomic writing of files and folders."""
import errno
import os
import pickle
import socket
import stat
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import WriteError, writing_to
from claip_emo_mm.utils.io import atomic_folder, atomic_write, check_writable


def write(path: Path, content: bytes = b'new') -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_in_new_folders_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write(tmp_path / 'a/b/file')
    finally:
        os.umask(umask)
    assert (tmp_path / 'a/b/file').read_bytes() == b'new' and names(tmp_path / 'a/b') == ['file']
    assert stat.S_IMODE((tmp_path / 'a/b/file').stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_permissions_and_owner(tmp_path: Path) -> None:
    path = tmp_path / 'file'
    path.write_bytes(b'old')
    path.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(path, 7, 9)
    owner = path.stat().st_uid, path.stat().st_gid
    with atomic_write(path) as temporary:  # a writer that makes the file anew, as safetensors does
        temporary.unlink()
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o604 and (status.st_uid, status.st_gid) == owner


def test_the_old_file_is_there_until_the_end_and_on_the_disk_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                  ) -> None:
    path, done = tmp_path / 'file', []
    path.write_bytes(b'old')
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, 'fsync', lambda descriptor: done.append('fsync') or sync(descriptor))
    monkeypatch.setattr(os, 'replace', lambda *names: done.append('replace') or replace(*names))
    with atomic_write(path) as temporary:
        temporary.write_bytes(b'new')
        assert path.read_bytes() == b'old' and temporary.parent == tmp_path and temporary.suffix == '.part'
    assert path.read_bytes() == b'new' and done == ['fsync', 'replace', 'fsync']


@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError, SystemExit, OSError(errno.ENOENT, 'x', 'another')])
def test_whatever_ends_it_early_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    kept = tmp_path / 'kept'
    kept.write_bytes(b'old')
    for path in (kept, tmp_path / 'new/folders/file'):
        with pytest.raises(type(error) if isinstance(error, OSError) else error), atomic_write(path) as temporary:
            temporary.write_bytes(b'half')
            raise error
    assert names(tmp_path) == ['kept'] and kept.read_bytes() == b'old'


def test_links_stay(tmp_path: Path) -> None:
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/file').write_bytes(b'old')
    (tmp_path / 'first').symlink_to('second')
    (tmp_path / 'second').symlink_to('data/file')
    (tmp_path / 'to_nothing').symlink_to('data/later')
    write(tmp_path / 'first')
    write(tmp_path / 'to_nothing')
    assert all((tmp_path / name).is_symlink() for name in ('first', 'second', 'to_nothing'))
    assert names(tmp_path / 'data') == ['file', 'later']
    assert (tmp_path / 'data/file').read_bytes() == (tmp_path / 'data/later').read_bytes() == b'new'


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    node = tmp_path / 'null'
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        node.write_bytes(b'')
    except OSError:  # nobody but root makes a node: a terminal is a device, too
        main, terminal = os.openpty()
        node.unlink(missing_ok=True)
        node.symlink_to(os.ttyname(terminal))
    (tmp_path / 'link').symlink_to(node)
    write(node)
    write(tmp_path / 'link')
    check_writable(node)
    assert stat.S_ISCHR(node.stat().st_mode) and (tmp_path / 'link').is_symlink()
    assert names(tmp_path) == ['link', 'null']


def test_what_a_terminal_is_given_arrives() -> None:
    main, terminal = os.openpty()
    write(Path(os.ttyname(terminal)), b'line')
    assert os.read(main, 9) == b'line'
    os.close(main)
    os.close(terminal)


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe)
    assert os.read(reader, 9) == b'new'
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and names(tmp_path) == ['pipe']


def test_a_socket_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    received = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('socket')
        server.listen()

        def receive() -> None:
            connection, _ = server.accept()
            received.append(connection.makefile('rb').read())

        thread = threading.Thread(target=receive)
        thread.start()
        write(Path('socket'))
        thread.join(60)
    assert received == [b'new'] and stat.S_ISSOCK(Path('socket').stat().st_mode)
    with pytest.raises(WriteError, match=r'^socket: cannot be written \(Connection refused\)\.'):
        write(Path('socket'))


def test_the_name_of_an_open_file_is_written_to(tmp_path: Path) -> None:
    with (tmp_path / 'output').open('wb') as output:
        output.write(b'before ')
        output.flush()
        write(Path(f'/dev/fd/{output.fileno()}'))
        inode = os.fstat(output.fileno()).st_ino
    assert (tmp_path / 'output').read_bytes() == b'before new' and (tmp_path / 'output').stat().st_ino == inode
    reader, writer = os.pipe()
    write(Path(f'/proc/self/fd/{writer}'))
    assert os.read(reader, 9) == b'new'
    os.close(reader)
    os.close(writer)


def test_long_and_foreign_names(tmp_path: Path) -> None:
    for name in (b'n' * 255, b'\xc3\xa4' * 127, b'\xe4' * 255):
        with atomic_write(tmp_path / os.fsdecode(name)) as temporary:
            assert len(os.fsencode(temporary.name)) <= 255
            temporary.name.encode()
    assert len(names(tmp_path)) == 3
    with pytest.raises(WriteError, match=r'n: cannot be written \(File name too long\)\. Choose a shorter name\.'):
        write(tmp_path / ('n' * 256))


def test_what_cannot_be_written_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').write_bytes(b'old')
    (tmp_path / 'loop').symlink_to('loop')
    for name, message in {'folder': r'folder: cannot be written \(Is a directory\)\. It is a folder: give the name',
                          'file/x': r'file/x: cannot be written \(Not a directory\)\. Part of the path is a file',
                          'file/x/y': r'file/x/y: cannot be written \(Not a directory\)\. Part of the path is a file',
                          'loop': r'loop: cannot be written \(Too many levels of symbolic links\)\.'}.items():
        for attempt in (write, check_writable):
            with pytest.raises(WriteError, match=message) as raised:
                attempt(tmp_path / name)
            assert '\n' not in str(raised.value)
    assert names(tmp_path) == ['file', 'folder', 'loop'] and (tmp_path / 'file').read_bytes() == b'old'
    check_writable(tmp_path / 'file')
    check_writable(tmp_path / 'new/x')
    check_writable(tmp_path / 'folder', is_folder=True)
    check_writable(tmp_path / 'folder/new/x', is_folder=True)
    with pytest.raises(WriteError, match=r'file: cannot be written \(Not a directory\)'):
        check_writable(tmp_path / 'file', is_folder=True)
    assert names(tmp_path) == ['file', 'folder', 'loop'] and not names(tmp_path / 'folder')


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, 'access', lambda path, mode: False)  # root may write everywhere
    with pytest.raises(WriteError, match=r'new/file: cannot be written \(Permission denied\)\. Choose a place where'):
        check_writable(tmp_path / 'new/file')


def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / 'file'
    path.write_bytes(b'old')
    with pytest.raises(WriteError, match=r'file: cannot be written \(No space left on device\)\. Make room, or choose'):
        with atomic_write(path) as temporary, open('/dev/full', 'wb') as full:
            temporary.write_bytes(b'half')
            full.write(b'half')
    assert path.read_bytes() == b'old' and names(tmp_path) == ['file']


def test_errors_of_files_that_are_read_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / 'file'):
        (tmp_path / 'source').read_bytes()
    with pytest.raises(FileNotFoundError), writing_to(tmp_path):
        (tmp_path / 'source').read_bytes()
    with pytest.raises(IsADirectoryError), writing_to(tmp_path / 'file'):
        tmp_path.read_bytes()


def test_errors_are_reported_once_and_can_be_pickled(tmp_path: Path) -> None:
    with pytest.raises(WriteError) as raised, writing_to(tmp_path, 'Go away.'), atomic_write(tmp_path):
        pass
    assert isinstance(raised.value, InputError) and raised.value.strerror == 'Is a directory'
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.errno, again.strerror) == (errno.EISDIR, 'Is a directory')
    assert type(again) is WriteError and str(again) == str(raised.value) == (
        f'{tmp_path}: cannot be written (Is a directory). It is a folder: give the name of a file.')


def test_a_full_disk_that_names_no_file_is_that_of_the_place_where_it_has_no_room(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill() -> None:
        with writing_to(tmp_path / 'new', 'Go away.'), open('/dev/full', 'wb', 0) as full:
            full.write(b'x')

    with pytest.raises(OSError, match=r'^\[Errno 28\]'):  # such as one of /dev/shm
        fill()
    monkeypatch.setattr(os, 'statvfs', lambda path: SimpleNamespace(f_bavail=1, f_bfree=1, f_blocks=9, f_frsize=4096))
    with pytest.raises(WriteError, match=r'new: cannot be written \(No space left on device\)\. Go away\.$'):
        fill()


def test_a_folder_is_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / 'new/frames'
    with pytest.raises(KeyboardInterrupt), atomic_folder(path) as temporary:
        (temporary / '1').touch()
        raise KeyboardInterrupt
    assert not names(tmp_path)
    for number in '12':  # the second takes the first one's place
        with atomic_folder(path) as temporary:
            (temporary / number).touch()
        path.chmod(0o750)
    assert names(path) == ['2'] and names(path.parent) == ['frames']
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    with pytest.raises(ValueError, match='half'), atomic_folder(path) as temporary:
        (temporary / '3').touch()
        raise ValueError('half')
    assert names(path) == ['2'] and names(path.parent) == ['frames']
    with pytest.raises(WriteError, match=r'2: cannot be written \(Not a directory\)'), atomic_folder(path / '2'):
        pass


def test_nothing_else_moves_files_into_place() -> None:
    root = Path(__file__).parents[2]
    moving = [path.name for folder in ('claip_emo_mm', 'tools') for path in (root / folder).rglob('*.py')
              if 'os.replace(' in path.read_text()]
    assert moving == ['io.py']
