"""Every error a user can see, one class per cause; the texts live in this package and nowhere else.

    RustDockerError
    ├── SettingsError   64   a flag, variable or key says something that cannot be
    ├── ProjectError    65   Cargo's files are missing, broken or ambiguous
    ├── CompileError    66   cargo is missing or did not compile the program
    ├── ImageError      67   the compiled program cannot become this image
    ├── EngineError     68   the engine is missing, refused, or went away
    └── DefectError     70   a defect of this tool

An error has four parts: what is wrong, what was found and where, who set it, what to type next.
Nothing secret goes in: values of `env` and whole command lines never do.
"""

from __future__ import annotations

from rustdocker_tasks.errors.base import (
    INTERRUPTED,
    TERMINATED,
    CompileError,
    DefectError,
    EngineError,
    ImageError,
    ProjectError,
    RustDockerError,
    SettingsError,
    nearest,
)
from rustdocker_tasks.errors.compile import (
    BuildImageUnusable,
    CannotBeStatic,
    CargoFailed,
    NoCargo,
    NoCargoInImage,
    PackagesNotInstalled,
    UnknownCargoLayout,
)
from rustdocker_tasks.errors.defect import Unexpected
from rustdocker_tasks.errors.engine import (
    BaseImageRefused,
    BaseImageUntrusted,
    BuildxUnusable,
    EngineFull,
    EngineGone,
    LoadFailed,
    MountsNotTold,
    NoBaseImage,
    NoCacheExport,
    NoContainer,
    NoEngine,
    NotListening,
    PortTaken,
    PushFailed,
    PushRefused,
    RegistryUnreachable,
    RegistryUntrusted,
    RunFailed,
)
from rustdocker_tasks.errors.image import (
    BuildFailed,
    CannotWrite,
    ForeignCertificates,
    LibraryNotFound,
    NotLinux,
    NotOurs,
    NotStatic,
    UnusableTarget,
)
from rustdocker_tasks.errors.project import (
    BinariesBehindFeatures,
    BrokenManifest,
    BrokenToml,
    IgnoredManifest,
    NoBinary,
    NoCargoToml,
    NoSuchBinary,
    NoSuchPackage,
    NothingToExplain,
    OutdatedLock,
    OutsideOfContext,
    SeveralBinaries,
    SeveralTargets,
    UnusableSource,
)
from rustdocker_tasks.errors.settings import (
    BadFlag,
    BadValue,
    MisplacedKey,
    MisplacedTable,
    NoRepository,
    SeveralBadSettings,
    UnknownKey,
    UnreadableFile,
)

__all__ = [
    "INTERRUPTED",
    "TERMINATED",
    "BadFlag",
    "BadValue",
    "BaseImageRefused",
    "BaseImageUntrusted",
    "BinariesBehindFeatures",
    "BrokenManifest",
    "BrokenToml",
    "BuildFailed",
    "BuildImageUnusable",
    "BuildxUnusable",
    "CannotBeStatic",
    "CannotWrite",
    "CargoFailed",
    "CompileError",
    "DefectError",
    "EngineError",
    "EngineFull",
    "EngineGone",
    "ForeignCertificates",
    "IgnoredManifest",
    "ImageError",
    "LibraryNotFound",
    "LoadFailed",
    "MisplacedKey",
    "MisplacedTable",
    "MountsNotTold",
    "NoBaseImage",
    "NoBinary",
    "NoCacheExport",
    "NoCargo",
    "NoCargoInImage",
    "NoCargoToml",
    "NoContainer",
    "NoEngine",
    "NoRepository",
    "NoSuchBinary",
    "NoSuchPackage",
    "NotLinux",
    "NotListening",
    "NotOurs",
    "NotStatic",
    "NothingToExplain",
    "OutdatedLock",
    "OutsideOfContext",
    "PackagesNotInstalled",
    "PortTaken",
    "ProjectError",
    "PushFailed",
    "PushRefused",
    "RegistryUnreachable",
    "RegistryUntrusted",
    "RunFailed",
    "RustDockerError",
    "SettingsError",
    "SeveralBadSettings",
    "SeveralBinaries",
    "SeveralTargets",
    "Unexpected",
    "UnknownCargoLayout",
    "UnknownKey",
    "UnreadableFile",
    "UnusableSource",
    "UnusableTarget",
    "nearest",
]
