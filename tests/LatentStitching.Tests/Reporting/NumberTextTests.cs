using System.Globalization;
using LatentStitching.Reporting;

namespace LatentStitching.Tests.Reporting;

public sealed class NumberTextTests
{
    [Theory]
    [InlineData(512, "512")]
    [InlineData(0, "0")]
    [InlineData(-0.0, "0")]
    [InlineData(-3, "-3")]
    [InlineData(0.02233456, "0.02233")]
    [InlineData(-0.5, "-0.5000")]
    [InlineData(123456.7, "123457")]
    [InlineData(9000000, "9000000")]
    [InlineData(0.00001234567, "1.235e-5")]
    [InlineData(12345678.9, "1.235e7")]
    [InlineData(1.5e20, "1.500e20")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void Of_ANumberAlone_HasFourSignificantDigits(double value, string text) => NumberText.Of(value).Should().Be(text);

    [Theory]
    [InlineData(0.0223349, 0.0220149, 0.0226649, "0.02233 [0.02201, 0.02266]")]
    [InlineData(0.9, 0.85, 0.95, "0.90 [0.85, 0.95]")]
    [InlineData(0.91, 0.5, 1.5, "0.9 [0.5, 1.5]")]
    [InlineData(31.234, 29.1, 33.3, "31.2 [29.1, 33.3]")]
    [InlineData(1234.6, 1000, 1500, "1235 [1000, 1500]")]
    [InlineData(-0.0004, -0.12, 0.12, "0.00 [-0.12, 0.12]")]
    [InlineData(0.00000321, 0.00000301, 0.00000341, "3.21e-6 [3.01e-6, 3.41e-6]")]
    [InlineData(1, 1, 1, "1 [1, 1]")]
    [InlineData(0.5, double.NaN, double.NaN, "0.5000")]
    public void Of_WithAnInterval_ItsWidthHasTwoSignificantDigits(double value, double lower, double upper, string text) => NumberText.Of(value, lower, upper).Should().Be(text);

    [Fact]
    public void Of_AnyCulture_IsTheSame()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        commas.NumberFormat.NegativeSign = "~";
        CultureInfo.CurrentCulture = commas;
        try
        {
            NumberText.Of(-0.5, -0.6, -0.4).Should().Be("-0.50 [-0.60, -0.40]");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
