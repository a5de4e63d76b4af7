namespace LatentStitching.Studies;

/// <summary>One number over all pairs of one kind.</summary>
/// <param name="Quantity">What it is about.</param>
/// <param name="Metric">The metric's name.</param>
/// <param name="Pairs">Pairs that have a finite value.</param>
/// <param name="Mean">Mean over these pairs.</param>
/// <param name="Least">The least value.</param>
/// <param name="Most">The greatest value.</param>
public sealed record MapKindNumber(StudyQuantity Quantity, string Metric, int Pairs, double Mean, double Least, double Most);
