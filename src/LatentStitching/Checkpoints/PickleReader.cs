using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>Reads one pickle into plain values and descriptions of tensors. It runs nothing: what is not on a short list is refused by name.</summary>
/// <param name="stream">Positioned at the pickle; left behind its last byte.</param>
/// <param name="path">The file, for messages.</param>
/// <param name="part">The part of the file, for messages.</param>
/// <param name="torch">Makes storages and tensors.</param>
internal sealed class PickleReader(Stream stream, string path, string part, TorchObjects torch)
{
    /// <summary>The most instructions, and items copied by them, in one pickle: 50 times what a checkpoint of 3000 tensors takes.</summary>
    public const int MaxSteps = 10_000_000;

    private const string Cure = "It is damaged, or more than a state dictionary: save that again in Python, torch.save(model.state_dict(), path).";
    private const int ContainerSteps = 4;
    private const int MaxTextBytes = 1 << 28;

    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly object _mark = new();

    private readonly List<object?> _stack = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private long _position;
    private int _steps;

    /// <summary>Reads the pickle.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or holds anything but tensors and plain values.</exception>
    public object? Read()
    {
        try
        {
            _position = stream.Position;
            if (stream.ReadByte() != (int)PickleOpcode.Protocol) throw Invalid("must be a pickle of protocol 2 or later, but it does not begin as one");
            int protocol = ReadByte();
            if (protocol is < 2 or > 5) throw Invalid($"must be a pickle of protocol 2 to 5, but it is of protocol {protocol}");
            while (true)
            {
                _position = stream.Position;
                Spend(1);
                PickleOpcode opcode = (PickleOpcode)ReadByte();
                if (opcode == PickleOpcode.Stop) break;
                Step(opcode);
            }
            object? result = Pop();
            return _stack.Count == 0 ? result : throw Invalid($"must end with one value, but {_stack.Count} more are left");
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException($"'{path}' must hold a whole pickle, but it ends within one ({part}, byte {_position}). The file is cut short.", e);
        }
    }

    private void Step(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Frame:
                // Only a hint for reading ahead, but a wrong one shows damage.
                ReadLength(ReadInt64());
                break;
            case PickleOpcode.Mark:
                _stack.Add(_mark);
                break;
            case PickleOpcode.None:
                _stack.Add(null);
                break;
            case PickleOpcode.True:
                _stack.Add(true);
                break;
            case PickleOpcode.False:
                _stack.Add(false);
                break;
            case PickleOpcode.BinInt:
                _stack.Add((long)ReadInt32());
                break;
            case PickleOpcode.BinInt1:
                _stack.Add((long)ReadByte());
                break;
            case PickleOpcode.BinInt2:
                _stack.Add((long)(ReadByte() | (ReadByte() << 8)));
                break;
            case PickleOpcode.Long1:
                BigInteger number = new(ReadBytes(ReadByte()));
                _stack.Add(number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number);
                break;
            case PickleOpcode.BinFloat:
                _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(ReadBytes(8)));
                break;
            case PickleOpcode.ShortBinUnicode or PickleOpcode.ShortBinString:
                _stack.Add(ReadText(ReadByte()));
                break;
            case PickleOpcode.BinUnicode:
                _stack.Add(ReadText(ReadUInt32()));
                break;
            case PickleOpcode.BinString:
                _stack.Add(ReadText(ReadInt32()));
                break;
            case PickleOpcode.BinUnicode8:
                _stack.Add(ReadText(ReadInt64()));
                break;
            case PickleOpcode.ShortBinBytes:
                _stack.Add(ReadBytes(ReadByte()));
                break;
            case PickleOpcode.BinBytes:
                _stack.Add(ReadBytes(ReadUInt32()));
                break;
            case PickleOpcode.BinBytes8:
                _stack.Add(ReadBytes(ReadInt64()));
                break;
            case PickleOpcode.EmptyList:
                PushContainer(new PickleSequence([], isTuple: false));
                break;
            case PickleOpcode.EmptyDictionary:
                PushContainer(new PickleDictionary(isOrderedDict: false));
                break;
            case PickleOpcode.EmptyTuple:
                PushTuple(0);
                break;
            case PickleOpcode.Tuple1:
                PushTuple(1);
                break;
            case PickleOpcode.Tuple2:
                PushTuple(2);
                break;
            case PickleOpcode.Tuple3:
                PushTuple(3);
                break;
            case PickleOpcode.Tuple:
                PushContainer(new PickleSequence(PopToMark(), isTuple: true));
                break;
            case PickleOpcode.Append:
                object? item = Pop();
                TopList().Add(item);
                break;
            case PickleOpcode.Appends:
                List<object?> items = PopToMark();
                TopList().AddRange(items);
                break;
            case PickleOpcode.SetItem:
                (object? value, object? key) = (Pop(), Pop());
                TopDictionary().Items.Add((key, value));
                break;
            case PickleOpcode.SetItems:
                List<object?> pairs = PopToMark();
                if (pairs.Count % 2 != 0) throw Invalid("must set keys and values in pairs, but one key has no value");
                PickleDictionary dictionary = TopDictionary();
                for (int i = 0; i < pairs.Count; i += 2) dictionary.Items.Add((pairs[i], pairs[i + 1]));
                break;
            case PickleOpcode.BinPut:
                _memo[(uint)ReadByte()] = Top();
                break;
            case PickleOpcode.LongBinPut:
                _memo[ReadUInt32()] = Top();
                break;
            case PickleOpcode.Memoize:
                _memo[(uint)_memo.Count] = Top();
                break;
            case PickleOpcode.BinGet:
                PushMemo((uint)ReadByte());
                break;
            case PickleOpcode.LongBinGet:
                PushMemo(ReadUInt32());
                break;
            case PickleOpcode.Global:
                PushGlobal(ReadLine(), ReadLine());
                break;
            case PickleOpcode.StackGlobal:
                (object? name, object? module) = (Pop(), Pop());
                if (name is not string || module is not string) throw Invalid("must name classes by texts, but it does not");
                PushGlobal((string)module, (string)name);
                break;
            case PickleOpcode.BinPersistentId:
                Torch(() => torch.Storage(Pop()));
                break;
            case PickleOpcode.Reduce:
                Reduce();
                break;
            case PickleOpcode.Build:
                object? state = Pop();
                // The version numbers that PyTorch hangs on a state dictionary (its _metadata): not needed, so left out.
                if (Top() is not PickleDictionary { IsOrderedDict: true } || state is not PickleDictionary)
                {
                    throw Invalid($"must set attributes of an OrderedDict alone, but it sets them on {PickleText.KindOf(Top())} (BUILD)");
                }
                break;
            default:
                throw Invalid($"must hold only tensors and plain values, but it has the instruction 0x{(byte)opcode:x2}, which those do not need");
        }
    }

    private void Reduce()
    {
        (object? arguments, object? function) = (Pop(), Pop());
        if (arguments is not PickleSequence { IsTuple: true } tuple)
        {
            throw Invalid($"must call with a tuple of arguments, but it has {PickleText.KindOf(arguments)}");
        }
        if (function is not TorchGlobal global) throw Invalid($"must call one of the functions that make tensors, but it calls {PickleText.KindOf(function)}");
        Spend(tuple.Items.Count);
        if (global.Kind == TorchGlobalKind.OrderedDict) _stack.Add(OrderedDict(tuple.Items));
        else Torch(() => TorchObjects.Make(global, tuple.Items));
        if (_stack[^1] is TorchTensor tensor) Spend(tensor.Shape.Length);
    }

    // Python 2 wrote the items as an argument, Python 3 sets them afterwards.
    private PickleDictionary OrderedDict(List<object?> arguments)
    {
        PickleDictionary dictionary = new(isOrderedDict: true);
        if (arguments.Count == 0) return dictionary;
        if (arguments is not [PickleSequence pairs]) throw Invalid("must make an OrderedDict of a list of pairs, but it does not");
        Spend(pairs.Items.Count);
        foreach (object? pair in pairs.Items)
        {
            if (pair is not PickleSequence { Items: [object key, var value] })
            {
                throw Invalid("must make an OrderedDict of a list of pairs, but an item is none");
            }
            dictionary.Items.Add((key, value));
        }
        return dictionary;
    }

    private void Torch(Func<object?> make)
    {
        try
        {
            _stack.Add(make());
        }
        catch (FormatException e)
        {
            throw Invalid(e.Message);
        }
    }

    private void PushGlobal(string module, string name) => _stack.Add(TorchGlobal.Find(module, name) ?? throw new InvalidDataException(
        $"'{path}' must hold only tensors and plain values, but its pickle names {PickleText.Safe(module)}.{PickleText.Safe(name)} ({part}, byte {_position}). "
        + "Nothing of it was run. Save the weights alone in Python: torch.save(model.state_dict(), path), without other classes."));

    private void PushMemo(uint index) =>
        _stack.Add(_memo.TryGetValue(index, out object? value) ? value : throw Invalid($"must recall what it has noted, but there is no note {index}"));

    private void PushTuple(int count)
    {
        object?[] items = new object?[count];
        for (int i = count - 1; i >= 0; i--) items[i] = Pop();
        PushContainer(new PickleSequence([.. items], isTuple: true));
    }

    // An empty container takes one byte of the file and a hundred of memory.
    private void PushContainer(object container)
    {
        Spend(ContainerSteps);
        _stack.Add(container);
    }

    private object? Top() => _stack.Count > 0 && _stack[^1] != _mark ? _stack[^1] : throw Invalid("must have a value at hand, but there is none");

    private object? Pop()
    {
        object? top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private List<object?> PopToMark()
    {
        int mark = _stack.FindLastIndex(item => ReferenceEquals(item, _mark));
        if (mark < 0) throw Invalid("must have set a mark, but there is none");
        List<object?> items = _stack.GetRange(mark + 1, _stack.Count - mark - 1);
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private List<object?> TopList() =>
        Top() is PickleSequence { IsTuple: false } list ? list.Items : throw Invalid($"must append to a list, but it appends to {PickleText.KindOf(Top())}");

    private PickleDictionary TopDictionary() =>
        Top() as PickleDictionary ?? throw Invalid($"must set items of a dictionary, but it sets them on {PickleText.KindOf(Top())}");

    private void Spend(int steps)
    {
        _steps += steps;
        if (_steps > MaxSteps) throw Invalid($"must take at most {MaxSteps} steps, but it takes more");
    }

    private byte ReadByte() => stream.ReadByte() is >= 0 and int value ? (byte)value : throw new EndOfStreamException();

    private int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(ReadBytes(4));

    private uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4));

    private long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(ReadBytes(8));

    private string ReadLine()
    {
        StringBuilder line = new();
        for (byte value = ReadByte(); value != (byte)'\n'; value = ReadByte())
        {
            if (line.Length == 256) throw Invalid("must name classes in at most 256 letters, but a name is longer");
            line.Append((char)value);
        }
        return line.ToString();
    }

    private string ReadText(long length)
    {
        try
        {
            return _utf8.GetString(ReadBytes(length));
        }
        catch (DecoderFallbackException)
        {
            throw Invalid("must hold texts as UTF-8, but one is not");
        }
    }

    private byte[] ReadBytes(long length)
    {
        if (length > MaxTextBytes) throw Invalid($"must hold texts of at most {MaxTextBytes} bytes, but one has {length}");
        byte[] bytes = new byte[ReadLength(length)];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private long ReadLength(long length)
    {
        long left = stream.Length - stream.Position;
        return length >= 0 && length <= left
            ? length
            : throw Invalid($"must have lengths that fit, but one is {length} with {left} bytes left; it is damaged or cut short");
    }

    private InvalidDataException Invalid(string text) => new($"'{path}' holds a pickle that {text} ({part}, byte {_position}). {Cure}");
}
