#!/usr/bin/env bash
# Packs the library and checks, in applications made for the purpose, that torch works however the application is built and started,
# and when the application touches it before anything of the library. Prints one line a check. Needs about 3 GB in the temporary folder.
#   tests/native/verify.sh [part of a check's name]
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD only=${1:-}
work=$(mktemp -d)
inside=artifacts/verify-$$                        # a program inside the repository, in a folder that git ignores
version=0.1.0-verify.$(date +%s).$$
packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
clean() { rm -rf "$work" "$root/$inside" "${packages%/}/latentstitching/$version"; }
trap clean EXIT
trap 'exit 130' INT TERM
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 OMP_NUM_THREADS=1
export XDG_DATA_HOME=$work/data                   # where file-based programs are built
unset LATENTSTITCHING_TORCH_CURE

passed=0 failed=0 skipped=0
check() {                                         # check NAME EXPECTED-TEXT COMMAND...: the command's output must hold the text
  local name=$1 expected=$2 output; shift 2
  [[ $name == *"$only"* ]] || return 0
  if output=$("$@" 2>&1) && grep -qF -- "$expected" <<<"$output"; then
    echo "passed: $name"; passed=$((passed + 1))
  else
    echo "FAILED: $name (expected: $expected)"; sed 's/^/    /' <<<"$output" | tail -n 30; failed=$((failed + 1))
  fi
}
skip() { [[ $1 == *"$only"* ]] || return 0; echo "skipped: $1 ($2)"; skipped=$((skipped + 1)); }
hash_of_packages() { sha256sum "${packages%/}"/torchsharp/0.107.0/runtimes/linux-x64/native/* | sha256sum; }

echo "packing LatentStitching $version"
dotnet pack src/LatentStitching -c Release -v q -o "$work/feed" --artifacts-path "$work/artifacts" -p:Version="$version" \
  >"$work/pack.log" 2>&1 || { cat "$work/pack.log"; echo "0 passed, 1 failed"; exit 1; }
rm -rf "$work/artifacts"

cat >"$work/nuget.config" <<END
<configuration><packageSources><add key="latentstitching-verify" value="$work/feed" /></packageSources></configuration>
END

torch_first='
if (args is ["idle"]) { Console.WriteLine(File.ReadAllText("/proc/self/maps").Contains("torch_cpu") ? "loaded" : "not loaded"); return; }
if (args is ["ensure"]) LatentStitching.Native.TorchNative.EnsureLoaded();
Console.WriteLine($"sum {First.Sum}");
if (args.Length > 0) Console.WriteLine(LatentStitching.Native.TorchNative.Diagnose());
static class First { public static readonly float Sum = TorchSharp.torch.ones(3).sum().item<float>(); }'
library='
    <PackageReference Include="LatentStitching" Version="'$version'" />'
references=$library'
    <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />'
project() {                                       # project FOLDER EXTRA-ITEMS EXTRA-PROPERTIES
  mkdir -p "$1"
  cat >"$1/$(basename "$1").csproj" <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable>
    <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
    <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>${3:-}
  </PropertyGroup>
  <ItemGroup>$references${2:-}
  </ItemGroup>
</Project>
END
}
publish() {                                       # publish FOLDER OPTIONS...: the output folder holds app
  local out=$work/out; rm -rf "$out"
  dotnet publish "$work/app" -v q -o "$out" "$@" >"$work/publish.log" 2>&1 || { cat "$work/publish.log"; return 1; }
  (cd / && "$out/app" facts)
}

before=$(hash_of_packages)
project "$work/app"
echo "$torch_first" >"$work/app/Program.cs"

dotnet build "$work/app" -v q >"$work/build.log" 2>&1 || { cat "$work/build.log"; echo "0 passed, 1 failed"; exit 1; }

check "dotnet run, torch first" "sum 3" dotnet run --project "$work/app" -v q
bin=$(dirname "$(find "$work/app/bin" -name app.dll | head -n 1)")
app="dotnet exec $bin/app.dll"
check "diagnosis" "cure: " $app facts
needed=no; $app facts 2>/dev/null | grep -q "cure: applied" && needed=yes
echo "(this system needs the cure: $needed)"
[[ $needed == no ]] || check "numbers are kept" "numbers: kept for a second" $app ensure

check "torch not used: nothing is loaded" "not loaded" $app idle

eight() { local i p=(); for i in 1 2 3 4 5 6 7 8; do $app >"$work/eight.$i" 2>&1 & p+=($!); done; wait "${p[@]}"; cat "$work"/eight.* | grep -c "^sum 3"; }
check "8 processes at once" "8" eight

turned_off() { LATENTSTITCHING_TORCH_CURE=off $app; echo "ended with $?"; rm -rf "$bin/cpu"; }
if [[ $needed == yes ]]; then
  check "turned off: TorchSharp fails as it does without the library" "ended with 134" turned_off
else
  check "turned off: TorchSharp needs no help" "ended with 0" turned_off
fi

# A seccomp filter that answers memfd_create, system call 319, with EPERM, as a sandbox may. The runtime's own use of it is turned off.
cat >"$work/refuse.py" <<'END'
import ctypes, os, struct, sys
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]
code = b"".join(struct.pack("HBBI", *step) for step in [(0x20, 0, 0, 0), (0x15, 0, 1, 319), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)])
libc = ctypes.CDLL(None, use_errno=True)
ok = libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(Filter(4, code)), 0, 0) == 0
sys.exit("seccomp is not available") if not ok else os.execvp(sys.argv[1], sys.argv[1:])
END
no_memory() { DOTNET_EnableWriteXorExecute=0 python3 "$work/refuse.py" "$@"; }
neither() { TMPDIR=/proc/none no_memory $app; echo "ended with $?"; TMPDIR=/proc/none no_memory $app ensure; rm -rf "$bin/cpu"; }
if [[ $needed == no ]]; then
  skip "memfd_create refused" "this system does not need the cure"
elif no_memory true 2>/dev/null; then
  mkdir "$work/tmp"
  check "memfd_create refused: a temporary file" "a temporary file, deleted by now (memfd_create: Operation not permitted.)" \
    env TMPDIR="$work/tmp" bash -c "$(declare -f no_memory); work=$work; no_memory $app facts"
  check "no temporary file is left" "none left" bash -c "[[ -z \$(ls -A '$work/tmp') ]] && echo none left"
  check "neither memory nor temporary file: TorchSharp's trace holds the reason" \
    "TorchSharp.dll: LatentStitching cannot load TorchSharp's native library: the amended copy of libLibTorchSharp.so must load" neither
  check "neither memory nor temporary file: EnsureLoaded throws it" \
    "System.DllNotFoundException: LatentStitching cannot load TorchSharp's native library: the amended copy of libLibTorchSharp.so must load" neither
else
  skip "memfd_create refused" "needs python3 and seccomp"
fi

if [[ $needed == yes ]]; then
  sed 's|libtorch-cpu-linux-x64/2.10.0|libtorch-cpu-linux-x64/2.7.1|' "$bin/app.deps.json" >"$bin/other.deps.json"
  other() { dotnet exec --depsfile "$bin/other.deps.json" "$bin/app.dll" ensure; echo; }
  check "another libtorch: EnsureLoaded says which" "must have libtorch 2.10, but libtorch-cpu-linux-x64 2.7.1 (by other.deps.json) is referenced." other

  references=$library project "$work/bare"
  cp "$work/app/Program.cs" "$work/bare"
  bare() { dotnet run --project "$work/bare" -v q -- "$@"; echo; }
  check "no libtorch: EnsureLoaded names the package" "DllNotFoundException: LatentStitching cannot load TorchSharp's native library: libtorch.so must lie" bare ensure
  check "no libtorch, torch first: TorchSharp's trace names the package" "Add it: dotnet add package libtorch-cpu-linux-x64 --version 2.10.0" bare
  rm -rf "$work/bare"
else
  skip "another libtorch, no libtorch" "this system does not need the cure: TorchSharp's own message is right"
fi

check "publish without RID" "sum 3" publish
check "publish -r linux-x64" "sum 3" publish -r linux-x64 --no-self-contained
check "publish self-contained" "sum 3" publish -r linux-x64 --self-contained
check "publish single file" "sum 3" publish -r linux-x64 --self-contained -p:PublishSingleFile=true
check "publish single file that unpacks itself" "sum 3" env DOTNET_BUNDLE_EXTRACT_BASE_DIR="$work/unpacked" bash -c "$(declare -f publish); work=$work; \
  publish -r linux-x64 --self-contained -p:PublishSingleFile=true -p:IncludeNativeLibrariesForSelfExtract=true"
rm -rf "$work/out" "$work/unpacked"

mkdir -p "$work/file" "$inside"
printf '#:package LatentStitching@%s\n#:package libtorch-cpu-linux-x64@2.10.0\n%s\n' "$version" "$torch_first" >"$work/file/packaged.cs"
check "file-based program, #:package, torch first" "sum 3" dotnet run "$work/file/packaged.cs"
printf '#:project ../../src/LatentStitching\n#:package libtorch-cpu-linux-x64\n%s\n' "$torch_first" >"$inside/program.cs"
check "file-based program in the repository, #:project, torch first" "sum 3" dotnet run "$inside/program.cs"
printf '#:project %s\n#:package libtorch-cpu-linux-x64@2.10.0\nLatentStitching.Native.TorchNative.EnsureLoaded();\n%s\n' "$root/src/LatentStitching" "$torch_first" \
  >"$work/file/elsewhere.cs"
check "file-based program elsewhere, #:project, after EnsureLoaded" "sum 3" dotnet run "$work/file/elsewhere.cs"

project "$work/tests" '
    <PackageReference Include="Microsoft.NET.Test.Sdk" Version="18.11.0" />
    <PackageReference Include="xunit" Version="2.9.3" />
    <PackageReference Include="xunit.runner.visualstudio" Version="4.0.1" />'
cat >"$work/tests/Tests.cs" <<'END'
using Xunit;
public class Tests
{
    public static TheoryData<float> Sums => new(TorchSharp.torch.ones(3).sum().item<float>());
    [Theory, MemberData(nameof(Sums))] public void Sum(float sum) => Assert.Equal(3, sum);
    [Fact] public void Torch() => Assert.Equal(2, TorchSharp.torch.ones(2).sum().item<float>());
}
END
check "dotnet test, torch in MemberData and in tests" "Passed:     2" dotnet test "$work/tests" -v q

project "$work/bench" '
    <PackageReference Include="BenchmarkDotNet" Version="0.15.8" />'
cat >"$work/bench/Program.cs" <<'END'
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Running;
BenchmarkRunner.Run<Sums>();
[DryJob] public class Sums { [Benchmark] public float Sum() => TorchSharp.torch.ones(3).sum().item<float>(); }
END
check "BenchmarkDotNet's child processes" "Mean = " bash -c "cd '$work/bench' && dotnet run -c Release -v q"

unchanged() { [[ $(hash_of_packages) == "$before" ]] && echo unchanged; }
check "the package's files are as they were" "unchanged" unchanged

summary="$passed passed, $failed failed"
[[ $skipped == 0 ]] || summary+=", $skipped skipped"
echo "$summary"
[[ $failed == 0 ]]
