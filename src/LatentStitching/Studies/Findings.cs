namespace LatentStitching.Studies;

/// <summary>Judges by fixed rules which of the published findings F1 to F15 a study shows again.</summary>
/// <remarks>
/// <para>Each rule is told in <see cref="Finding.Rule"/>, and looks at point values of one set of models and images: "reproduced" means that these numbers agree with the claim, not that the claim is proved.
/// A finding whose models, images or studies are missing is not testable, and says what is missing.</para>
/// <para>Sources: F1 to F7 Badrinath et al., "All Roads Lead to Rome?" (arXiv:2407.13449); F8 to F10 Badrinath's thesis (Harvard, 2024); F11 to F15 Asperti and Tonelli, "Comparing the latent space of generative models"
/// (arXiv:2207.06812).</para>
/// </remarks>
public static class Findings
{
    /// <summary>Attributes that the studies found to go with gender, men's.</summary>
    internal static readonly string[] Masculine = ["Male", "Goatee", "Mustache", "5_o_Clock_Shadow", "Sideburns"];

    /// <summary>Attributes that the studies found to go with gender, women's.</summary>
    internal static readonly string[] Feminine = ["Heavy_Makeup", "Wearing_Lipstick", "No_Beard"];

    internal static readonly string[] Gender = [.. Masculine, .. Feminine];

    internal const string SkinTone = "Pale_Skin";

    private const string Rome = "Badrinath et al. (arXiv:2407.13449)";
    private const string Thesis = "Badrinath, thesis (Harvard, 2024)";
    private const string Asperti = "Asperti and Tonelli (arXiv:2207.06812)";

    /// <summary>Judges the findings.</summary>
    /// <param name="evidence">The studies.</param>
    /// <returns>Fifteen findings, F1 first.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="evidence"/> is null.</exception>
    public static IReadOnlyList<Finding> Evaluate(FindingEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        FindingRules rules = new(evidence);
        return
        [
            Of("F1", "The stitched models that reconstruct best use the encoders of VQ-VAEs and normalising flows.", $"{Rome}, figure 1",
                "For more than half of the targets that both kinds of source reach on the study's images, the source of least image error is a VQ-VAE or a flow.", rules.BestSource(StudyProtocol.SharedImages)),
            Of("F2", "The same holds for GAN decoders on synthetic images.", $"{Rome}, figure 2",
                "As F1, for targets without an encoder on the images that they drew.", rules.BestSource(StudyProtocol.Synthetic)),
            Of("F3", "Latent and image errors are low from VQ-VAE and flow encoders, and worst from random ones.", $"{Rome}, figure 3",
                "In more than half of all (target, error) cells the median over VQ-VAE and flow sources is below that over the others, and in more than half every control is worse than the median of all models.", rules.Errors()),
            Of("F4", "VQ-VAE and flow latents are the most linearly separable, and a map from a more to a less separable space raises the target probes' accuracy.", $"{Rome}, figure 4",
                "The mean balanced accuracy of VQ-VAEs and flows is above that of the other models, and the mean accuracy change over pairs whose source is the more separable is above zero.", rules.Separability()),
            Of("F5", "Attributes that go with gender are represented alike by nearly every model.", $"{Rome}, figure 5",
                $"Probe agreement beyond that of the mean latent, as a share of what is left to 1, is higher on average over {string.Join(", ", Gender)} than over the other attributes.", rules.Agreement()),
            Of("F6", "The latents of flows converge early in training.", $"{Rome}, figure 6",
                "A flow's convergence index stays at its threshold or above from a quarter of its training or earlier.", rules.EarlyConvergence()),
            Of("F7", "Linear maps keep most visual information, even between latents of different sizes.", $"{Rome}, abstract",
                "The median share recovered over pairs of models whose latents differ in size (all pairs, if none do) is at least one half, and above that of the controls.", rules.Recovery()),
            Of("F8", "Similarity is highest between similar architectures.", Thesis,
                "The mean of the first similarity is higher over pairs of types 1 and 2 than over those of type 3. That class, unlike gender, is represented differently is not judged.", rules.Architectures()),
            Of("F9", "During training gender concepts grow more disjoint while skin tone stays stable.", Thesis,
                $"From the first checkpoint to the last, the test images that a checkpoint's own probes give one of {string.Join(", ", Masculine)} overlap less with those that they give one of {string.Join(", ", Feminine)} (mean Jaccard index of all such pairs), "
                + $"and from each checkpoint to the next the labels given for {SkinTone} stay the same more than those for all these attributes do on average (mean Cohen's κ).", rules.DisjointConcepts()),
            Of("F10", "The intermediate latents of a hierarchical model are similar.", Thesis,
                "More than half of the pairs of levels of one model have a first similarity above that of every control to the same level.", rules.Levels()),
            Of("F11", "Type 1: between two trainings of one model, reconstructions after relocation are almost the same.", Asperti,
                "The median share recovered over pairs of type 1 is at least 0.9.", rules.SameModel()),
            Of("F12", "Type 2: from a VAE to a Split-VAE the images become sharper, with plausible guesses for what the VAE lost.", Asperti,
                "The median over pairs from a VAE to a Split-VAE of the ratio of the images' sharpness after relocation (variance of the Laplacian) to that of the VAE's own reconstructions is above 1. Plausibility is not judged: look at the images.", rules.Sharper()),
            Of("F13", "Type 3: from a GAN to a Split-VAE colour, pose and look survive; sometimes the relocated image is nearer to the original than the GAN's own.", Asperti,
                "For at least one pair from a GAN that encodes to another family, the mean image error after relocation is below the GAN's own.", rules.NearerThanOwn()),
            Of("F14", "Maps that a GAN takes part in need about fifteen times stronger regularisation.", $"{Asperti}, comments of the published code",
                "The median strength chosen for pairs with a GAN is 5 to 45 times that for the other pairs.", rules.Regularisation()),
            Of("F15", "All this holds provided that models have not been taught to act differently.", $"{Asperti}, abstract",
                "None: it needs models that have been taught to act differently.", FindingRules.Missing("No model here was taught to act differently.")),
        ];
    }

    private static Finding Of(string id, string claim, string reference, string rule, FindingOutcome outcome) =>
        new() { Id = id, Claim = claim, Reference = reference, Rule = rule, State = outcome.State, Numbers = outcome.Numbers, Words = outcome.Words };
}
