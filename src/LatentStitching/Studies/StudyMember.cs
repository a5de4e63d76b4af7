using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Studies;

/// <summary>A model of a study, with what the study must know beyond what the model tells.</summary>
public sealed record StudyMember
{
    /// <summary>Makes a member.</summary>
    /// <param name="model">The model. Not disposed by the study.</param>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    public StudyMember(ILatentModel model) => Model = Guard.NotNull(model);

    /// <summary>Makes a member of a model of this library, whose family and architecture are known by its description.</summary>
    /// <param name="model">The model, or a view of it at another size. Not disposed by the study.</param>
    /// <returns>A member that encodes; for a model of another kind, or one that does not describe itself, without family and architecture.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    public static StudyMember Of(ILatentModel model)
    {
        (ModelFamily family, string? architecture) = ModelFamilies.Of(Guard.NotNull(model));
        return new StudyMember(model) { Family = family, Architecture = architecture };
    }

    /// <summary>The model. Its name must be its own in the study.</summary>
    public ILatentModel Model { get; }

    /// <summary>What kind of model it is.</summary>
    /// <value>Default <see cref="ModelFamily.Unknown"/>.</value>
    public ModelFamily Family { get; init; }

    /// <summary>What two trainings of one model share: the layout and its sizes, not the weights.</summary>
    /// <value>Null by default: not told.</value>
    public string? Architecture
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(Architecture));
    }

    /// <summary>Whether the model encodes images. One that does not, such as a GAN without an inversion, takes part on images that it draws from its own prior.</summary>
    /// <value>Default true. False needs an <see cref="ILatentPrior"/>.</value>
    public bool Encodes { get; init; } = true;

    /// <summary>Says the model and its family.</summary>
    /// <returns>For example "vae-1 (Vae)".</returns>
    public override string ToString() => $"{Model.Name} ({Family})";
}
